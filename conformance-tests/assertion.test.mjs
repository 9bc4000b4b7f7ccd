// The lock's answer, attacked: every way to use an answer where it was not given, or to give one
// without the lock, and the good answers beside them, made by cryptography that is not the product's.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { answerWith } from '../demo/bind.mjs';
import { children, element, encode, slice } from '../demo/der.mjs';
import { SOFTHSM_LIBRARY } from '../keys/tokens.mjs';
import { Assistant } from './lib/assistant.mjs';
import { request } from './lib/http.mjs';
import { answerOf, derOf, isSigned, SM2_LIBRARIES } from './lib/lock-answer.mjs';
import { newVisitor, Party, random, signedIn } from './lib/party.mjs';
import { run, until } from './lib/process.mjs';
import { Provider } from './lib/provider.mjs';
import { authorityOf, lockOf, openRegion } from './lib/region.mjs';

const demo = await openRegion();
const { issuer, assistant } = demo;
const lock = (label) => lockOf(demo, label);
const KINDS = ['company-a-primary', 'company-b-primary', 'company-c-primary'];
const RSA = lock('company-a-primary');
const P256 = lock('company-b-primary');
const SM2 = lock('company-c-primary');

let scratch;
before(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), 'tamga-e2e-forged-'));
});
after(() => rm(scratch, { recursive: true, force: true }));

const take = async (visitor, purpose = 'login', more = {}) =>
  (await visitor.post('/api/challenge', { purpose, ...more })).challenge;

// What the provider makes of an answer: 'signed_in', or the reason's code.
async function send(visitor, answer, more = {}) {
  const got = await visitor.raw('/api/sign-in', { answer, ...more });
  return got.status === 200 ? 'signed_in' : got.json().error.code;
}

// A new visitor's sign-in with an answer that make(origin, challenge) gives.
async function attempt(make) {
  const visitor = await newVisitor(issuer);
  const challenge = await take(visitor);
  return send(visitor, await make({ origin: issuer, challenge }));
}

// --- good answers ------------------------------------------------------------------------------------

for (const [who, lockUsed, more] of [
  ['RS256 by node', RSA, {}],
  ['PS256 by node', RSA, { algorithm: 'PS256' }],
  ['ES256 by node', P256, {}],
  ['SM2 by sm-crypto', SM2, { sm2: { library: 'sm-crypto' } }],
  ['SM2 by sm-crypto-v2', SM2, { sm2: { library: 'sm-crypto-v2' } }],
]) {
  test(`an answer signed in ${who} is accepted`, async () => {
    assert.equal(await attempt((of) => answerOf(lockUsed, { ...of, ...more })), 'signed_in');
  });
}

for (const label of KINDS) {
  test(`what the assistant signs with ${label} is verified by others`, async () => {
    const challenge = `login.${random(32)}`;
    const answer = await answerWith(assistant, { origin: issuer, challenge, lock: lock(label) });
    assert.deepEqual(Object.keys(answer).sort(), [
      'agentVersion',
      'algorithm',
      'certificate',
      'format',
      'signature',
    ]);
    assert.equal(
      Buffer.from(answer.certificate, 'base64').compare(derOf(lock(label).certificate)),
      0,
    );
    assert.equal(isSigned(answer, { origin: issuer, challenge }), true);
    assert.equal(isSigned(answer, { origin: `${issuer}0`, challenge }), false);
    assert.equal(
      isSigned(answer, { origin: issuer, challenge: `bind${challenge.slice(5)}` }),
      false,
    );
  });
}

test('twenty SM2 signatures of the assistant are good to both libraries', async () => {
  for (let i = 0; i < 20; i++) {
    const challenge = `login.${random(32)}`;
    const answer = await answerWith(assistant, { origin: issuer, challenge, lock: SM2 });
    assert.equal(isSigned(answer, { origin: issuer, challenge }), true);
  }
});

test('an assistant that is set to PSS signs so, and is accepted', async () => {
  const own = await Assistant.make(demo);
  try {
    const drivers = [{ kind: 'pkcs11', library: SOFTHSM_LIBRARY, rsa: 'pss' }];
    await own.write({ origins: [issuer], drivers });
    let used;
    const outcome = await attempt(async ({ origin, challenge }) => {
      used = await answerWith(own, { origin, challenge, lock: RSA });
      assert.equal(isSigned(used, { origin, challenge }), true);
      return used;
    });
    assert.equal(used.algorithm, 'PS256');
    assert.equal(outcome, 'signed_in');
  } finally {
    await own.close();
  }
});

// --- once, and in its place --------------------------------------------------------------------------

test('an answer is good once: the same browser cannot send it again', async () => {
  const visitor = await newVisitor(issuer);
  const answer = answerOf(RSA, { origin: issuer, challenge: await take(visitor) });
  assert.equal(await send(visitor, answer), 'signed_in');
  assert.equal(await send(visitor, answer), 'challenge.gone');
});

test('an answer is good once: the session from before cannot send it again', async () => {
  const visitor = await newVisitor(issuer);
  const before = await newVisitor(issuer);
  before.cookies = new Map(visitor.cookies);
  before.token = visitor.token;
  const answer = answerOf(RSA, { origin: issuer, challenge: await take(visitor) });
  assert.equal(await send(visitor, answer), 'signed_in');
  assert.equal(await send(before, answer), 'challenge.gone');
});

test('of sixteen parallel sendings of one answer exactly one signs in', async () => {
  const visitor = await newVisitor(issuer);
  const answer = answerOf(P256, { origin: issuer, challenge: await take(visitor) });
  const twins = Array.from({ length: 16 }, () => {
    const twin = Object.assign(Object.create(Object.getPrototypeOf(visitor)), visitor);
    twin.cookies = new Map(visitor.cookies);
    return twin;
  });
  const outcomes = await Promise.all(twins.map((twin) => send(twin, answer)));
  assert.equal(outcomes.filter((outcome) => outcome === 'signed_in').length, 1);
  assert.equal(outcomes.filter((outcome) => outcome === 'challenge.gone').length, 15);
});

test('a challenge is gone after a bad answer, so that a good one has to ask anew', async () => {
  const visitor = await newVisitor(issuer);
  const challenge = await take(visitor);
  const good = answerOf(RSA, { origin: issuer, challenge });
  const bad = { ...good, signature: Buffer.alloc(256, 1).toString('base64') };
  assert.equal(await send(visitor, bad), 'lock.not_accepted');
  assert.equal(await send(visitor, good), 'challenge.gone');
});

test('an answer without a challenge is refused', async () => {
  const visitor = await newVisitor(issuer);
  const challenge = `login.${random(32)}`;
  assert.equal(await send(visitor, answerOf(RSA, { origin: issuer, challenge })), 'challenge.gone');
});

test('an answer to an earlier challenge of the same browser is not accepted', async () => {
  const visitor = await newVisitor(issuer);
  const first = await take(visitor);
  await take(visitor);
  const answer = answerOf(RSA, { origin: issuer, challenge: first });
  assert.equal(await send(visitor, answer), 'lock.not_accepted');
});

test('an answer to another challenge is not accepted', async () => {
  const made = (challenge) => (of) => answerOf(RSA, { ...of, challenge });
  const visitor = await newVisitor(issuer);
  const other = await take(visitor);
  for (const challenge of [`login.${random(32)}`, other, '', 'login.']) {
    assert.equal(await attempt(made(challenge)), 'lock.not_accepted', challenge);
  }
  assert.equal(
    await attempt((of) => answerOf(RSA, { ...of, challenge: `${of.challenge} ` })),
    'lock.not_accepted',
  );
});

for (const label of KINDS) {
  test(`an answer of ${label} that was given to another origin is not accepted`, async () => {
    const others = [
      'https://evil.example',
      `${issuer}/`,
      issuer.replace('https:', 'http:'),
      issuer.toUpperCase(),
      issuer.replace('127.0.0.1', 'localhost'),
      issuer.replace(/:\d+$/, ''),
      'null',
      '',
    ];
    for (const origin of others) {
      const outcome = await attempt((of) => answerOf(lock(label), { ...of, origin }));
      assert.equal(outcome, 'lock.not_accepted', origin);
    }
  });
}

test('an answer for binding does not sign in, and one for signing in does not bind', async () => {
  const visitor = await newVisitor(issuer);
  const forBinding = answerOf(RSA, { origin: issuer, challenge: await take(visitor, 'bind') });
  assert.equal(await send(visitor, forBinding), 'challenge.gone');
  const challenge = await take(visitor, 'bind');
  await take(visitor, 'login');
  const again = answerOf(RSA, { origin: issuer, challenge });
  assert.equal(await send(visitor, again), 'lock.not_accepted');

  const other = await newVisitor(issuer);
  const forLogin = answerOf(RSA, { origin: issuer, challenge: await take(other, 'login') });
  const bound = await other.raw('/api/bind/read', { answer: forLogin });
  assert.equal(bound.json().error.code, 'challenge.gone');
  await take(other, 'bind');
  const bind = await other.raw('/api/bind/read', { answer: forLogin });
  assert.equal(bind.json().error.code, 'lock.not_accepted');
});

test('a challenge says its purpose, and only the known purposes are to be had', async () => {
  const visitor = await newVisitor(issuer);
  assert.match(await take(visitor, 'login'), /^login\.[\w-]{43}$/);
  assert.match(await take(visitor, 'bind'), /^bind\.[\w-]{43}$/);
  for (const purpose of ['approve', 'trust', 'sign', 'LOGIN', 'login.', '']) {
    const got = await visitor.raw('/api/challenge', { purpose });
    assert.equal(got.json().error.code, 'request.shape', purpose);
  }
});

// --- interactions and browsers -----------------------------------------------------------------------

const party = new Party(issuer, demo.tool_client);

async function begin(visitor) {
  const { location } = await party.ask(visitor);
  return location.searchParams.get('interaction');
}

test("a challenge for a platform's request is good for that request alone", async () => {
  const visitor = await newVisitor(issuer);
  const [one, two, three] = [await begin(visitor), await begin(visitor), await begin(visitor)];
  const answered = async (interaction) =>
    answerOf(RSA, { origin: issuer, challenge: await take(visitor, 'login', { interaction }) });
  assert.equal(await send(visitor, await answered(one)), 'challenge.gone');
  assert.equal(await send(visitor, await answered(one), { interaction: two }), 'challenge.gone');
  const plain = answerOf(RSA, { origin: issuer, challenge: await take(visitor) });
  assert.equal(await send(visitor, plain, { interaction: three }), 'challenge.gone');
  assert.equal(await send(visitor, await answered(one), { interaction: one }), 'signed_in');
});

test("another browser's request can be neither challenged, nor signed in to, nor finished", async () => {
  const attacker = await newVisitor(issuer);
  const interaction = await begin(attacker);
  const victim = await newVisitor(issuer);
  const challenged = await victim.raw('/api/challenge', { purpose: 'login', interaction });
  assert.equal(challenged.json().error.code, 'interaction.gone');
  const answer = answerOf(RSA, { origin: issuer, challenge: await take(victim) });
  assert.equal(await send(victim, answer, { interaction }), 'interaction.gone');
  const member = await signedIn(issuer, assistant, RSA);
  for (const [where, body] of [
    ['/api/continue', { interaction }],
    ['/api/consent', { interaction, decision: 'allow' }],
  ]) {
    assert.equal((await member.raw(where, body)).json().error.code, 'interaction.gone', where);
  }
  const looked = await member.visit(`/api/interaction?interaction=${interaction}`);
  assert.equal(looked.json().error.code, 'interaction.gone');
});

test("a request that moved into the session after sign-in is no longer the old cookie's", async () => {
  const visitor = await newVisitor(issuer);
  const interaction = await begin(visitor);
  const cookie = visitor.cookieHeader();
  const challenge = await take(visitor, 'login', { interaction });
  const answer = answerOf(RSA, { origin: issuer, challenge });
  assert.equal(await send(visitor, answer, { interaction }), 'signed_in');
  const old = await request(`${issuer}/api/interaction?interaction=${interaction}`, {
    headers: { Cookie: cookie },
  });
  assert.equal(old.json().error.code, 'interaction.gone');
  const { next, location } = await visitor.post('/api/continue', { interaction });
  assert.ok(next === 'consent' || location);
});

test("an answer that a victim gave is worth nothing in the attacker's browser", async () => {
  const victim = await newVisitor(issuer);
  const attacker = await newVisitor(issuer);
  const answer = answerOf(RSA, { origin: issuer, challenge: await take(victim) });
  assert.equal(await send(attacker, answer), 'challenge.gone');
  await take(attacker);
  assert.equal(await send(attacker, answer), 'lock.not_accepted');
});

// --- another key, another certificate ------------------------------------------------------------------

test('a signature cannot be moved to another certificate of the same key', async () => {
  const renewed = lock('company-a-renewed');
  const outcome = await attempt((of) =>
    answerOf(RSA, { ...of, certificate: renewed.certificate, signed: RSA.certificate }),
  );
  assert.equal(outcome, 'lock.not_accepted');
});

for (const label of KINDS) {
  test(`somebody else's certificate with an own ${label} key is not accepted`, async () => {
    const { key_type: kind, key } = lock(label);
    const others = demo.locks.filter((each) => each.key_type === kind && each.key !== key);
    const strangers = others.filter(({ label: name }) => name !== 'company-a-renewed');
    for (const other of strangers) {
      const outcome = await attempt((of) => answerOf(other, { ...of, key }));
      assert.equal(outcome, 'lock.not_accepted', other.label);
    }
  });
}

const SIGNATURE_BYTES = { rsa: 256, p256: 70, sm2: 70 };

test('who has certificates but no keys learns the same of each: not accepted', async () => {
  const asked = () =>
    Promise.all(demo.authorities.map(async ({ control }) => (await request(control)).json().asked));
  const before = await asked();
  for (const each of demo.locks) {
    const outcome = await attempt((of) => ({
      ...answerOf(each, of),
      signature: Buffer.alloc(SIGNATURE_BYTES[each.key_type], 0x2a).toString('base64'),
    }));
    assert.equal(outcome, 'lock.not_accepted', each.label);
  }
  assert.deepEqual(await asked(), before, "no authority was asked on a stranger's behalf");
});

test('an encryption certificate does not sign in although its key signs', async () => {
  const folder = path.dirname(SM2.certificate);
  const outcome = await attempt((of) =>
    answerOf(SM2, {
      ...of,
      certificate: path.join(folder, 'enc.crt'),
      key: path.join(folder, 'enc.key'),
    }),
  );
  assert.equal(outcome, 'lock.encryption_certificate');
});

for (const name of ['intermediate', 'responder', 'root']) {
  test(`the authority's own ${name} certificate is nobody's lock`, async () => {
    for (const each of KINDS.map(lock)) {
      const folder = path.dirname(authorityOf(demo, each.authority).intermediate);
      const [certificate, key] = ['crt', 'key'].map((end) => path.join(folder, `${name}.${end}`));
      const outcome = await attempt((of) => answerOf(each, { ...of, certificate, key }));
      assert.match(
        outcome,
        /^lock\.(class|ca_certificate|path|authority_unknown|encryption_certificate)$/,
      );
    }
  });
}

const openssl = async (...args) => {
  const { code, stderr } = await run('openssl', args, { cwd: scratch });
  assert.equal(code, 0, stderr);
};

// A certificate that says what the lock's says, under an authority of the same name that is not it.
test('a certificate of an authority that only has the name of a trusted one is refused', async () => {
  const { intermediate } = authorityOf(demo, P256.authority);
  const [leaf, issuerOfLeaf] = [derOf(P256.certificate), derOf(intermediate)];
  await openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', 'false-ca.key');
  await openssl('pkcs8', '-topk8', '-nocrypt', '-in', 'false-ca.key', '-out', 'false-ca.p8');
  assert.ok(issuerOfLeaf.length > 0);
  // The leaf's own words, its key replaced by nothing: only the signature is the false authority's.
  const [tbs, algorithm] = children(leaf, element(leaf, 0));
  await writeFile(path.join(scratch, 'tbs'), slice(leaf, tbs));
  await openssl('dgst', '-sha256', '-sign', 'false-ca.p8', '-out', 'tbs.sig', 'tbs');
  const signature = await readFile(path.join(scratch, 'tbs.sig'));
  const bits = encode(0x03, Buffer.from([0]), signature);
  const forged = encode(0x30, slice(leaf, tbs), slice(leaf, algorithm), bits);
  const file = path.join(scratch, 'forged.crt');
  const pem = forged.toString('base64').replace(/(.{64})/g, '$1\n');
  await writeFile(file, `-----BEGIN CERTIFICATE-----\n${pem}\n-----END CERTIFICATE-----\n`);
  const outcome = await attempt((of) => answerOf(P256, { ...of, certificate: file }));
  assert.equal(outcome, 'lock.path');
});

test('a self-signed certificate that says it is a company is of no authority', async () => {
  const subject = '/C=CN/O=Windbell/OU=Organizational-1/CN=051@Windbell@BH1@1';
  await openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', 'self.key');
  await openssl(
    'req',
    '-x509',
    '-key',
    'self.key',
    '-subj',
    subject,
    '-days',
    '30',
    '-out',
    'self.crt',
  );
  const [certificate, key] = ['self.crt', 'self.key'].map((name) => path.join(scratch, name));
  const outcome = await attempt((of) => answerOf(P256, { ...of, certificate, key }));
  assert.equal(outcome, 'lock.authority_unknown');
});

// --- algorithms ----------------------------------------------------------------------------------------

test('the key decides the algorithm: any other name is refused', async () => {
  for (const each of [RSA, P256, SM2]) {
    const own = { rsa: ['RS256', 'PS256'], p256: ['ES256'], sm2: ['SM2'] }[each.key_type];
    const names = ['RS256', 'PS256', 'ES256', 'SM2', 'none', 'HS256', 'ES384', 'rs256', ''];
    for (const name of names.filter((other) => !own.includes(other))) {
      const outcome = await attempt((of) => ({ ...answerOf(each, of), algorithm: name }));
      assert.equal(outcome, 'lock.algorithm', `${each.key_type} as ${name}`);
    }
  }
});

test('PKCS#1 v1.5 is not taken for PSS, nor PSS for PKCS#1 v1.5', async () => {
  const as = (algorithm, signAs) => (of) => answerOf(RSA, { ...of, algorithm, signAs });
  assert.equal(await attempt(as('PS256', 'RS256')), 'lock.not_accepted');
  assert.equal(await attempt(as('RS256', 'PS256')), 'lock.not_accepted');
});

for (const library of Object.keys(SM2_LIBRARIES)) {
  test(`an SM2 signature by ${library} with another identifier or over no SM3 is refused`, async () => {
    const wrong = [{ userId: '8765432187654321' }, { userId: '123456781234567' }, { hash: false }];
    for (const options of wrong) {
      const sm2 = { library, ...options };
      const outcome = await attempt((of) => answerOf(SM2, { ...of, sm2 }));
      assert.equal(outcome, 'lock.not_accepted', JSON.stringify(options));
    }
  });
}

// --- DER and shapes ------------------------------------------------------------------------------------

const numbersOf = (signature) =>
  children(signature, element(signature, 0)).map((one) => signature.subarray(one.body, one.end));
const integer = (bytes) => encode(0x02, bytes);
const padded = (bytes) => {
  const plain = bytes[0] === 0 ? bytes.subarray(1) : bytes;
  return Buffer.concat([Buffer.alloc(32 - plain.length), plain]);
};

const DER_GAMES = {
  'a byte behind': (der) => Buffer.concat([der, Buffer.from([0])]),
  'a byte short': (der) => der.subarray(0, -1),
  'both numbers bare': (der) => Buffer.concat(numbersOf(der).map(padded)),
  'a zero in front of r': (der) => {
    const [r, s] = numbersOf(der);
    return encode(0x30, integer(Buffer.concat([Buffer.from([0]), r])), integer(s));
  },
  'two zeros in front of s': (der) => {
    const [r, s] = numbersOf(der);
    return encode(0x30, integer(r), integer(Buffer.concat([Buffer.from([0, 0]), s])));
  },
  'a third number': (der) => {
    const [r, s] = numbersOf(der);
    return encode(0x30, integer(r), integer(s), integer(Buffer.from([1])));
  },
  'r and s swapped': (der) => {
    const [r, s] = numbersOf(der);
    return encode(0x30, integer(s), integer(r));
  },
  'r zero': (der) => encode(0x30, integer(Buffer.from([0])), integer(numbersOf(der)[1])),
  's zero': (der) => encode(0x30, integer(numbersOf(der)[0]), integer(Buffer.from([0]))),
  'both zero': () => encode(0x30, integer(Buffer.from([0])), integer(Buffer.from([0]))),
  'both one': () => encode(0x30, integer(Buffer.from([1])), integer(Buffer.from([1]))),
  'a long length': (der) =>
    Buffer.concat([Buffer.from([0x30, 0x81, der.length - 2]), der.subarray(2)]),
  'an indefinite length': (der) =>
    Buffer.concat([Buffer.from([0x30, 0x80]), der.subarray(2), Buffer.from([0, 0])]),
  'a set instead of a sequence': (der) => Buffer.concat([Buffer.from([0x31]), der.subarray(1)]),
  'one bit flipped': (der) => Buffer.concat([der.subarray(0, -1), Buffer.from([der.at(-1) ^ 1])]),
};

for (const [game, play] of Object.entries(DER_GAMES)) {
  test(`a signature with ${game} is not accepted`, async () => {
    for (const each of [P256, SM2]) {
      const outcome = await attempt((of) => {
        const answer = answerOf(each, of);
        const changed = play(Buffer.from(answer.signature, 'base64'));
        return { ...answer, signature: changed.toString('base64') };
      });
      assert.equal(outcome, 'lock.not_accepted', each.key_type);
    }
  });
}

test('a certificate that is cut, prolonged or changed is never somebody', async () => {
  const changes = [
    (der) => der.subarray(0, -1),
    (der) => Buffer.concat([der, Buffer.from([0])]),
    (der) => Buffer.concat([der, der]),
    (der) => der.subarray(4),
    (der) => Buffer.concat([der.subarray(0, 60), Buffer.from([der[60] ^ 1]), der.subarray(61)]),
    (der) => Buffer.concat([der.subarray(0, -1), Buffer.from([der.at(-1) ^ 1])]),
    () => Buffer.from('not a certificate'),
    () => Buffer.alloc(4000, 0x30),
  ];
  for (const each of [RSA, P256, SM2]) {
    for (const [i, change] of changes.entries()) {
      const outcome = await attempt((of) => {
        const answer = answerOf(each, of);
        const changed = change(Buffer.from(answer.certificate, 'base64'));
        return { ...answer, certificate: changed.toString('base64') };
      });
      assert.match(outcome, /^lock\.(shape|not_accepted|algorithm)$/, `${each.key_type} ${i}`);
    }
  }
});

const SHAPES = {
  'a member is missing': ({ agentVersion: _, ...rest }) => rest,
  'a member is too many': (answer) => ({ ...answer, origin: issuer }),
  'the format is another': (answer) => ({ ...answer, format: 'web-eid:1.0' }),
  'the format is of another version': (answer) => ({ ...answer, format: 'tamga-lock:2' }),
  'a member is a number': (answer) => ({ ...answer, agentVersion: 1 }),
  'a member is null': (answer) => ({ ...answer, signature: null }),
  'the signature is empty': (answer) => ({ ...answer, signature: '' }),
  'the certificate is empty': (answer) => ({ ...answer, certificate: '' }),
  'the base64 has a line break': (answer) => ({ ...answer, signature: `${answer.signature}\n` }),
  'the base64 is base64url': (answer) => ({ ...answer, certificate: `-_${answer.certificate}` }),
  'the base64 lacks its padding': (answer) => ({ ...answer, signature: `${answer.signature}A` }),
  'there is a NUL': (answer) => ({ ...answer, agentVersion: '0.1.0\0' }),
  'the certificate is far too long': (answer) => ({ ...answer, certificate: 'A'.repeat(12_000) }),
  'it is a list': () => [],
  'it is empty': () => ({}),
};

for (const [what, change] of Object.entries(SHAPES)) {
  test(`an answer in which ${what} is refused by its shape`, async () => {
    const outcome = await attempt((of) => change(answerOf(RSA, of)));
    assert.match(outcome, /^(lock|request)\.shape$/);
  });
}

// --- the certificate sent ahead --------------------------------------------------------------------------

test('a certificate sent ahead gets one answer, and only a good one causes a question', async () => {
  const own = await (await Provider.make(demo)).start();
  try {
    const visitor = await newVisitor(own.issuer);
    const { control } = authorityOf(demo, RSA.authority);
    const asked = async () => (await request(control)).json().asked.ocsp;
    const before = await asked();
    const ahead = (der) => visitor.raw('/api/certificate', { certificate: der.toString('base64') });
    const good = derOf(lock('company-e').certificate);
    const forged = Buffer.concat([good.subarray(0, -1), Buffer.from([good.at(-1) ^ 1])]);
    const others = [
      forged,
      derOf(lock('unknown-ca').certificate),
      Buffer.from('x'),
      Buffer.alloc(1),
    ];
    for (const der of others) {
      const answer = await ahead(der);
      assert.equal(`${answer.status} ${answer.text}`, '200 {}');
    }
    assert.equal((await ahead(good)).text, '{}');
    await until(async () => (await asked()) > before, 'the question about company-e');
    assert.equal(await asked(), before + 1);
  } finally {
    await own.close();
  }
});
