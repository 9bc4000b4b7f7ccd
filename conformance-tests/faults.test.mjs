// An authority's status service fails in each way that services fail. Meanwhile locks of other
// authorities sign in as usual, its own locks whose answers are known do, too, and those whose
// answers are not are refused for the right reason, and not let in.
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { signedIn } from './lib/party.mjs';
import { until } from './lib/process.mjs';
import { Provider } from './lib/provider.mjs';
import { authorityOf, lockOf, misbehave, openRegion } from './lib/region.mjs';

const demo = await openRegion();
const { assistant } = demo;
const ADDRESS = '127.0.0.2';
const lock = (label) => lockOf(demo, label);
const FAULTY = authorityOf(demo, 'aobao-rsa');
const KNOWN = lock('company-a-primary'); // signs in before the fault
const ASKED = lock('company-e'); // of the same authority; nobody has asked about it
const OTHERS = [lock('company-b-primary'), lock('company-c-primary')];
const REVOKED = lock('revoked'); // of the faulty authority
const SIGN_INS = 8; // of others, with a fault and without
const DEADLINE_MS = 15e3; // of the faulty authority: nobody else may wait for it
const FOREVER_MS = 3600e3;

let house;
before(async () => {
  house = await Provider.make(demo, {
    address: ADDRESS,
    change: ({ listen }) => (listen.deadline_ms = 4 * DEADLINE_MS),
  });
  const list = JSON.parse(house.list);
  const faulty = list.authorities.find(({ id }) => id === FAULTY.id);
  faulty.revocation.deadline_ms = DEADLINE_MS;
  await house.publish('trust-list.json', list);
  await house.start();
  await house.bind(assistant, [KNOWN, ...OTHERS]);
});
after(() => house?.close());

const signIn = (which) => signedIn(house.issuer, assistant, which);

// How long each of several sign-ins took, in ms, in ascending order.
async function timed(locks, count) {
  const took = [];
  for (let i = 0; i < count; i += 1) {
    const began = performance.now();
    await signIn(locks[i % locks.length]);
    took.push(performance.now() - began);
  }
  return took.sort((a, b) => a - b);
}

const median = (took) => took[Math.floor(took.length / 2)];

// What came of a sign-in: its refusal, or null; and whether that is known yet.
function outcomeOf(attempt) {
  const outcome = { isKnown: false };
  const settle = (error) => Object.assign(outcome, { isKnown: true, error });
  outcome.settled = attempt.then(() => settle(null), settle);
  return outcome;
}

const known = async (outcome) => {
  await outcome.settled;
  return outcome.error;
};

const UNAVAILABLE = 'lock.status_unavailable';

// hangs: the question is on its way until the deadline, so whoever waited for it would be seen.
const FAULTS = {
  slow: { more: { delay_ms: FOREVER_MS }, hangs: true },
  silent: { hangs: true },
  dead: {},
  refusing: {},
  flapping: {},
  error: {},
  lying: {},
  stranger: {},
  other_serial: {},
  other_issuer: {},
  old: {},
  replay: {},
};

for (const [fault, { more, hangs = false }] of Object.entries(FAULTS)) {
  test(`a service that is "${fault}" stands in nobody's way but of locks it knows nothing of`, async (t) => {
    await house.restart(); // and so nothing is known of any lock
    for (const each of [KNOWN, ...OTHERS]) await signIn(each);
    const usual = await timed(OTHERS, SIGN_INS);

    const mend = await misbehave(FAULTY, fault, more);
    let meanwhile;
    let refused;
    try {
      const asked = outcomeOf(signIn(ASKED));
      await signIn(KNOWN);
      meanwhile = await timed(OTHERS, SIGN_INS);
      await signIn(KNOWN);
      assert.equal(asked.isKnown && hangs, false, 'others were done before the deadline');
      refused = await known(asked);
      await signIn(KNOWN); // the circuit may be open now
      const revoked = await known(outcomeOf(signIn(REVOKED)));
      assert.ok(['lock.revoked', UNAVAILABLE].includes(revoked?.code), `${revoked}`);
    } finally {
      await mend();
    }
    assert.equal(refused?.code, UNAVAILABLE, `${refused}`);
    t.diagnostic(
      `others' slowest of ${SIGN_INS}: ${meanwhile.at(-1).toFixed()} ms, ` +
        `${usual.at(-1).toFixed()} ms without the fault`,
    );
    assert.ok(median(meanwhile) < 10 * median(usual), `${median(meanwhile)} ms`);
    assert.ok(meanwhile.at(-1) < DEADLINE_MS);
  });
}

test('a service that is well again is asked again, and its locks sign in', async () => {
  await house.restart();
  const mend = await misbehave(FAULTY, 'dead');
  await assert.rejects(signIn(KNOWN), { code: UNAVAILABLE });
  await mend();
  await until(() => signIn(KNOWN), 'the circuit to close');
});

// Takes questions and says nothing; counts the connections.
async function openSilence() {
  const silence = { connections: 0 };
  const server = net.createServer((socket) => {
    silence.connections += 1;
    socket.on('error', () => {}).resume(); // so that its end is noticed
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  silence.url = `http://127.0.0.1:${server.address().port}/ocsp`;
  silence.close = () => new Promise((resolve) => server.close(resolve));
  return silence;
}

test('the second address of a service is asked when the first takes too long, and its answer counts', async () => {
  const silence = await openSilence();
  const other = await Provider.make(demo, { address: ADDRESS });
  try {
    const list = JSON.parse(other.list);
    const { revocation } = list.authorities.find(({ id }) => id === FAULTY.id);
    revocation.ocsp = [{ url: silence.url }, ...revocation.ocsp];
    await other.publish('trust-list.json', list);
    await other.start();
    await other.bind(assistant, [KNOWN]);
    assert.equal(silence.connections, 1);
    assert.doesNotMatch(other.log(), /status_unusable/); // the first was broken off, and not judged
  } finally {
    await other.close();
    await silence.close();
  }
});
