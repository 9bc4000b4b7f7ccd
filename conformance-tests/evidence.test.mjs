// Evidence is enough: years later, somebody with nothing but the rows and cryptography of their own
// comes to the same verdict on every binding and sign-in.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { formFor } from '../demo/bind.mjs';
import { checkProof } from './lib/evidence.mjs';
import { answerOf, derOf } from './lib/lock-answer.mjs';
import { newVisitor } from './lib/party.mjs';
import { run } from './lib/process.mjs';
import { Provider } from './lib/provider.mjs';
import { lockOf, openRegion } from './lib/region.mjs';

const demo = await openRegion();
const KINDS = {
  RSA: lockOf(demo, 'company-a-primary'),
  'P-256': lockOf(demo, 'company-b-primary'),
  SM2: lockOf(demo, 'company-c-primary'),
};

let house;
let rows; // {proofs: {event: {lock kind: detail}}, objects, lists}

// What a lock's holder does with it: the answer of the provider's call.
async function present(visitor, lock, purpose, call) {
  const { challenge } = await visitor.post('/api/challenge', { purpose });
  return visitor.post(call, { answer: answerOf(lock, { origin: house.issuer, challenge }) });
}

async function bindAndSignIn(lock) {
  const visitor = await newVisitor(house.issuer);
  await present(visitor, lock, 'bind', '/api/bind/read');
  await visitor.post('/api/bind/confirm', await formFor(visitor, lock));
  await present(await newVisitor(house.issuer), lock, 'login', '/api/sign-in');
}

async function query(statement) {
  const file = JSON.parse(readFileSync(house.settings, 'utf8')).store.sql.replace('sqlite:', '');
  const { code, stdout, stderr } = await run('sqlite3', ['-readonly', '-json', file, statement]);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout || '[]');
}

async function readRows() {
  const proofs = await query(
    "SELECT event, detail FROM audit WHERE event IN ('bound', 'signed_in')",
  );
  const objects = await query('SELECT hash, kind, hex(bytes) AS bytes FROM evidence_objects');
  const lists = await query('SELECT version, document FROM trust_lists');
  return {
    proofs: proofs.map(({ event, detail }) => ({ event, proof: JSON.parse(detail) })),
    objects: new Map(
      objects.map(({ hash, kind, bytes }) => [hash, { kind, bytes: Buffer.from(bytes, 'hex') }]),
    ),
    lists: new Map(lists.map(({ version, document }) => [version, document])),
  };
}

before(async () => {
  house = await Provider.make(demo, { address: '127.0.0.19' });
  await house.start();
  for (const lock of Object.values(KINDS)) await bindAndSignIn(lock);
  rows = await readRows();
});
after(() => house?.close());

const ALGORITHMS = { RSA: 'RS256', 'P-256': 'ES256', SM2: 'SM2' };
const proofOf = (event, kind) =>
  rows.proofs.find((each) => each.event === event && each.proof.algorithm === ALGORITHMS[kind])
    .proof;

for (const kind of Object.keys(KINDS)) {
  test(`evidence is enough: binding and sign-in with a ${kind} lock`, () => {
    checkProof(proofOf('bound', kind), rows.objects, rows.lists);
    checkProof(proofOf('signed_in', kind), rows.objects, rows.lists);
  });

  test(`evidence that was changed shows: ${kind}`, () => {
    const proof = proofOf('signed_in', kind);
    const bound = proofOf('bound', kind);
    const changed = (change) => ({ ...proof, ...change });
    const refuse = (one) => assert.throws(() => checkProof(one, rows.objects, rows.lists));
    refuse(changed({ origin: 'https://evil.example' }));
    refuse(changed({ challenge: bound.challenge }));
    refuse(changed({ signature: bound.signature }));
    refuse(changed({ chain: [proof.chain[0]] }));
    refuse(changed({ decided: proof.decided + 86400 }));
    refuse(changed({ trust_list: '0'.repeat(64) }));
    const other = proofOf('signed_in', kind === 'SM2' ? 'RSA' : 'SM2');
    refuse(changed({ chain: other.chain, certificate: other.certificate }));
    refuse(changed({ status: { ...proof.status, ocsp: other.status.ocsp } }));
  });
}

test('evidence has the members of its schema, and no others', () => {
  const schema = JSON.parse(readFileSync('schema/evidence.schema.json', 'utf8'));
  for (const { event, proof } of rows.proofs) {
    const names = Object.keys(proof);
    for (const name of names) assert.ok(name in schema.properties, `${event}: ${name}`);
    for (const name of schema.required) assert.ok(names.includes(name), `${event}: ${name}`);
    const [ocsp] = schema.properties.status.oneOf;
    for (const name of Object.keys(proof.status)) assert.ok(name in ocsp.properties, name);
    for (const name of ocsp.required) assert.ok(name in proof.status, name);
  }
  assert.equal(rows.proofs.length, 6);
});

test('certificates of authorities are kept once, however many sign in', () => {
  const chains = rows.proofs.map(({ proof }) => proof.chain);
  const certificates = [...rows.objects.values()].filter(({ kind }) => kind === 'certificate');
  assert.equal(certificates.length, new Set(chains.flat()).size);
});

test('a refusal is counted, named alike in log and tables, and outlives a clean stop at once', async () => {
  const lock = lockOf(demo, 'revoked');
  const visitor = await newVisitor(house.issuer);
  const { challenge } = await visitor.post('/api/challenge', { purpose: 'login' });
  const answer = answerOf(lock, { origin: house.issuer, challenge });
  const got = await visitor.raw('/api/sign-in', { answer });
  assert.equal(got.json().error.code, 'lock.revoked');
  const hash = createHash('sha256').update(derOf(lock.certificate)).digest('base64url');
  await house.stop();
  const line = house
    .log()
    .split('\n')
    .find((each) => each.includes('"lock.revoked"'));
  assert.equal(JSON.parse(line).certificate, hash);
  const [row] = await query(
    "SELECT authority, certificate, count FROM refusals WHERE reason = 'lock.revoked'",
  );
  assert.deepEqual(row, { authority: lock.authority, certificate: hash, count: 1 });
  const [kept] = await query(
    `SELECT c.reason, o.kind FROM certificates c JOIN evidence_objects o ON o.hash = c.hash WHERE c.hash = '${hash}'`,
  );
  assert.deepEqual(kept, { reason: 'lock.revoked', kind: 'refused' });
  const told = await house.command(['trust', 'refusals']);
  assert.match(
    told.refusals[0].says,
    /^1 refusal from authority .* since Monday .*, for lock\.revoked, /,
  );
  await house.start();
});
