// Status services that others wrote answer the running provider: OpenSSL's `ocsp` as a server, and
// python3-cryptography. Each says good, revoked and that it does not know the lock; and the bytes of
// what they are asked are looked at.
import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { children, element, slice } from '../demo/der.mjs';
import { signedIn } from './lib/party.mjs';
import { Provider } from './lib/provider.mjs';
import { authorityOf, lockOf, openRegion } from './lib/region.mjs';
import { IMPLEMENTATIONS, indexOf, Recorder, shopOf } from './lib/responders.mjs';

const demo = await openRegion();
const { assistant } = demo;
const ADDRESS = '127.0.0.2';
const GET_MAX = 255; // characters of an address with a question (RFC 6960 appendix A.1)
const LOCKS = {
  rsa: lockOf(demo, 'company-a-primary'),
  p256: lockOf(demo, 'company-b-primary'),
  sm2: lockOf(demo, 'company-c-primary'),
};

const open = [];
after(async () => {
  for (const each of open.reverse()) await each();
});

// A provider whose list leads to recorders: change(revocation) alters each authority's policy.
async function serve(change = {}) {
  const folder = await mkdtemp(path.join(tmpdir(), 'tamga-e2e-'));
  open.push(() => rm(folder, { recursive: true, force: true }));
  const house = await Provider.make(demo, { address: ADDRESS });
  open.push(() => house.close());
  const recorders = {};
  const list = JSON.parse(house.list);
  for (const entry of list.authorities) {
    const recorder = await Recorder.open();
    open.push(() => recorder.close());
    recorders[entry.id] = recorder;
    const { crl, ...revocation } = entry.revocation; // only what the service says counts here
    entry.revocation = { ...revocation, ocsp: [{ url: recorder.url }], ...change };
  }
  await house.publish('trust-list.json', list);
  await house.start();
  return { house, recorders, folder };
}

const serialOf = async ({ certificate }) =>
  new X509Certificate(await readFile(certificate)).serialNumber;

// What the index is made to say of one certificate.
const SAYS = {
  good: (fields) => fields,
  revoked: ([, ends, , ...rest]) => ['R', ends, '261101000000Z,keyCompromise', ...rest],
  unknown: () => null,
};

// Lets an implementation answer for a lock's authority in that way, and the provider forget.
async function stage({ house, recorders, folder }, implementation, lock, says) {
  const shop = shopOf(authorityOf(demo, lock.authority));
  const serial = await serialOf(lock);
  const change = (fields) => (fields[3] === serial ? SAYS[says](fields) : fields);
  const index = await indexOf(shop, path.join(folder, `${lock.label}-${says}`), change);
  await recorders[lock.authority].lead(implementation, shop, index);
  if (says !== 'good') await house.restart();
}

const asked = ({ recorders }, lock) => recorders[lock.authority].asked;

// --- the bytes ---------------------------------------------------------------------------------

const NONCE = '2b0601050507300102'; // id-pkix-ocsp-nonce
const DIGESTS = {
  sha1: { name: 'sha1', oid: '2b0e03021a' },
  sha256: { name: 'sha256', oid: '608648016503040201' },
  sm3: { name: 'sm3', oid: '2a811ccf55018311' },
};

const content = (der, one) => der.subarray(one.body, one.end).toString('hex');
const only = (der, parent) => {
  const found = children(der, parent);
  assert.equal(found.length, 1);
  return found[0];
};

// The issuer's name, and its key as the bits of the BIT STRING, from its certificate.
async function issuerOf(lock) {
  const { intermediate } = authorityOf(demo, lock.authority);
  const der = new X509Certificate(await readFile(intermediate)).raw;
  const [tbs] = children(der, element(der, 0));
  const parts = children(der, tbs);
  const [, key] = children(der, parts[6]);
  return { name: slice(der, parts[5]), key: der.subarray(key.body + 1, key.end) };
}

// RFC 6960 section 4.1.1: one Request with its CertID and no extensions of its own.
async function assertAbout(der, list, lock, hash) {
  const id = only(der, only(der, list));
  const [algorithm, name, key, serial, ...more] = children(der, id);
  assert.equal(more.length, 0);
  const { name: digest, oid } = DIGESTS[hash];
  assert.equal(content(der, children(der, algorithm)[0]), oid);
  const issuer = await issuerOf(lock);
  const hashed = (bytes) => createHash(digest).update(bytes).digest('hex');
  assert.equal(content(der, name), hashed(issuer.name));
  assert.equal(content(der, key), hashed(issuer.key));
  assert.equal(content(der, serial).toUpperCase().replace(/^00/, ''), await serialOf(lock));
}

// RFC 9654 section 2.1: in requestExtensions, alone, 32 bytes in an OCTET STRING within the value.
function assertNonce(der, extensions) {
  assert.equal(extensions.tag, 0xa2);
  const [oid, value, ...more] = children(der, only(der, only(der, extensions)));
  assert.equal(more.length, 0, 'it is not critical');
  assert.equal(content(der, oid), NONCE);
  const inner = only(der, value);
  assert.deepEqual([value.tag, inner.tag], [0x04, 0x04]);
  assert.equal(inner.end - inner.body, 32);
  return content(der, inner);
}

// OCSPRequest { TBSRequest { requestList, [2] requestExtensions } }, unsigned. Returns the nonce.
async function assertQuestion(der, lock, hash, { nonce = true } = {}) {
  const whole = element(der, 0);
  assert.equal(whole.end, der.length);
  const [list, extensions, ...more] = children(der, only(der, whole));
  assert.equal(more.length, 0);
  await assertAbout(der, list, lock, hash);
  assert.equal(extensions !== undefined, nonce);
  return nonce ? assertNonce(der, extensions) : null;
}

const hashOf = (house, { authority }) =>
  JSON.parse(house.list).authorities.find(({ id }) => id === authority).revocation.hash;

// --- what they answer ----------------------------------------------------------------------------

for (const [implementation, { kinds }] of Object.entries(IMPLEMENTATIONS)) {
  test(`${implementation} is asked and understood: good, unknown, revoked`, async () => {
    const world = await serve();
    const { house } = world;
    for (const lock of kinds.map((kind) => LOCKS[kind])) {
      await stage(world, implementation, lock, 'good');
      await house.bind(assistant, [lock]);
      await signedIn(house.issuer, assistant, lock);
      await stage(world, implementation, lock, 'unknown');
      const unknown = signedIn(house.issuer, assistant, lock);
      await assert.rejects(unknown, { code: 'lock.status_unknown' });
      await stage(world, implementation, lock, 'revoked');
      const revoked = signedIn(house.issuer, assistant, lock);
      await assert.rejects(revoked, { code: 'lock.revoked' });

      const questions = asked(world, lock);
      assert.ok(questions.length >= 3);
      const nonces = new Set();
      for (const { method, type, body } of questions) {
        assert.deepEqual([method, type], ['POST', 'application/ocsp-request']);
        nonces.add(await assertQuestion(body, lock, hashOf(house, lock)));
      }
      assert.equal(nonces.size, questions.length, 'no nonce comes twice');
    }
  });

  test(`${implementation} is asked by GET where the address stays short`, async () => {
    const world = await serve({ method: 'get' });
    const { house } = world;
    for (const lock of kinds.map((kind) => LOCKS[kind])) {
      await stage(world, implementation, lock, 'good');
      await house.bind(assistant, [lock]);
      const { url } = world.recorders[lock.authority];
      for (const { method, path: where, body } of asked(world, lock)) {
        const encoded = decodeURIComponent(where.slice('/ocsp/'.length));
        const der = method === 'GET' ? Buffer.from(encoded, 'base64') : body;
        await assertQuestion(der, lock, hashOf(house, lock));
        const { length } = `${url}/${encodeURIComponent(der.toString('base64'))}`;
        assert.equal(method, length <= GET_MAX ? 'GET' : 'POST', `${length}`);
        if (method === 'GET') assert.equal(body.length, 0);
      }
    }
    assert.equal(asked(world, LOCKS.rsa)[0].method, 'GET'); // SHA-1 is short enough
  });
}

test('a service that knows no nonce is asked without one, and understood', async () => {
  const world = await serve({ method: 'get', nonce: 'off' });
  const { house } = world;
  const lock = LOCKS.p256;
  await stage(world, 'openssl ocsp', lock, 'good');
  await house.bind(assistant, [lock]);
  const [{ method, path: where }] = asked(world, lock);
  assert.equal(method, 'GET');
  const der = Buffer.from(decodeURIComponent(where.slice('/ocsp/'.length)), 'base64');
  await assertQuestion(der, lock, hashOf(house, lock), { nonce: false });
});
