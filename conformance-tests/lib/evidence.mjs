// What a kept proof shows to somebody who has nothing but the rows: an audit row's detail, the
// evidence objects and the trust lists (docs/evidence.md). None of the provider's code is used:
// node's cryptography for RSA and P-256, two libraries from npm for SM2, and a DER reader.
import { createHash, createPublicKey, verify, X509Certificate } from 'node:crypto';
import smCrypto from 'sm-crypto';
import { sm3 as sm3v2 } from 'sm-crypto-v2';
import { children, element, slice } from '../../demo/der.mjs';
import { isSigned, SM2_LIBRARIES, sm2Public } from './lock-answer.mjs';

const SM2_ID = { der: true, hash: true, userId: '1234567812345678' };
const OID = {
  '2a811ccf55018375': 'SM2', // 1.2.156.10197.1.501
  '2a864886f70d01010b': 'RSA', // 1.2.840.113549.1.1.11
  '2a8648ce3d040302': 'ECDSA', // 1.2.840.10045.4.3.2
  '2b0e03021a': 'sha1',
  '608648016503040201': 'sha256',
  '2a811ccf55018311': 'sm3',
};
const OCSP_SIGNING = '2b06010505070309'; // 1.3.6.1.5.5.7.3.9
const SKEW_S = 300;

const sha256 = (bytes) => createHash('sha256').update(bytes).digest();
const HASHES = {
  sha1: (bytes) => createHash('sha1').update(bytes).digest(),
  sha256,
  sm3: (bytes) => Buffer.from(sm3v2(Uint8Array.from(bytes)), 'hex'),
};

const inside = (der, one) => children(der, one);
const content = (der, one) => der.subarray(one.body, one.end);
const oidOf = (der, algorithm) => {
  const [oid] = inside(der, algorithm);
  return OID[content(der, oid).toString('hex')];
};

function demand(holds, what) {
  if (!holds) throw new Error(what);
}

// --- certificates -------------------------------------------------------------------------------

// SEQUENCE {what is signed, algorithm, BIT STRING}, as certificates and OCSP responses are.
function signedParts(der) {
  const [tbs, algorithm, bits] = inside(der, element(der, 0));
  return {
    tbs: slice(der, tbs),
    algorithm: oidOf(der, algorithm),
    signature: content(der, bits).subarray(1),
    rest: inside(der, element(der, 0)).slice(3),
  };
}

// Subject, issuer, serial, key and the instants of a certificate.
export function certificate(der) {
  const [tbs] = inside(der, element(der, 0));
  const [, serial, , issuer, validity, subject, key] = inside(der, tbs);
  const [, point] = inside(der, key);
  return {
    der,
    serial: content(der, serial).toString('hex'),
    issuer: slice(der, issuer),
    subject: slice(der, subject),
    key: slice(der, key),
    keyBits: content(der, point).subarray(1),
    valid: inside(der, validity).map((time) => instant(der, time)),
  };
}

// UTCTime or GeneralizedTime in seconds since 1970.
function instant(der, { tag, body, end }) {
  const text = der.subarray(body, end).toString('ascii');
  const digits = tag === 0x17 ? `${Number(text.slice(0, 2)) < 50 ? '20' : '19'}${text}` : text;
  const [, ...parts] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(digits);
  const [year, month, ...more] = parts.map(Number);
  return Date.UTC(year, month - 1, ...more) / 1000;
}

// Whether the signature over the bytes is that of the certificate's key.
function isBy(signer, { tbs, algorithm, signature }) {
  if (algorithm === 'SM2') {
    const verdicts = Object.entries(SM2_LIBRARIES).map(([name, sm2]) => {
      const input = name === 'sm-crypto' ? Array.from(tbs) : Uint8Array.from(tbs);
      return sm2.doVerifySignature(input, signature.toString('hex'), sm2Public(signer.der), SM2_ID);
    });
    demand(verdicts[0] === verdicts[1], 'the two libraries differ');
    return verdicts[0];
  }
  demand(algorithm === 'RSA' || algorithm === 'ECDSA', 'an algorithm that is known');
  const key = createPublicKey({ key: signer.key, format: 'der', type: 'spki' });
  return verify('sha256', tbs, key, signature);
}

// --- the parts ----------------------------------------------------------------------------------

function takeObject(objects, hash, kind) {
  const object = objects.get(hash);
  demand(object !== undefined, `the object ${hash} is kept`);
  demand(object.kind === kind, `${hash} is of kind ${kind}`);
  demand(sha256(object.bytes).toString('base64url') === hash, `${hash} is the hash of its bytes`);
  return object.bytes;
}

// From the lock to the anchor, and to the root where it is kept: issued and signed one by the next.
function checkChain(proof, objects, authority) {
  const chain = proof.chain.map((hash) => certificate(takeObject(objects, hash, 'certificate')));
  demand(proof.chain[0] === proof.certificate, 'the chain begins with the lock');
  for (let i = 0; i + 1 < chain.length; i++) {
    demand(chain[i].issuer.equals(chain[i + 1].subject), 'the next certificate is the issuer');
    demand(isBy(chain[i + 1], signedParts(chain[i].der)), 'the issuer has signed');
  }
  for (const { valid } of chain) {
    demand(valid[0] <= proof.decided && proof.decided <= valid[1], 'each was valid');
  }
  const listed = (pems) => (pems ?? []).map((pem) => new X509Certificate(pem).raw);
  const isAmong = (pems, one) => listed(pems).some((der) => der.equals(one.der));
  demand(isAmong(authority.anchors, chain[1]), 'the anchor stands in the trust list');
  if (chain.length > 2) demand(isAmong(authority.roots, chain[2]), 'so does the root');
  return chain;
}

function checkSignature(proof, leaf) {
  const { origin, challenge, algorithm } = proof;
  const signature = Buffer.from(proof.signature, 'base64url').toString('base64');
  const answer = { algorithm, signature, certificate: leaf.der.toString('base64') };
  demand(isSigned(answer, { origin, challenge }), 'the lock has signed M');
  demand(proof.hash === (algorithm === 'SM2' ? 'SM3' : 'SHA-256'), 'the hash in M is named');
  demand(proof.asked <= proof.decided, 'it was asked before it was decided');
}

// RFC 6960 section 4.2.1: the one answer of a response, and who signed it.
function readResponse(der) {
  const [status, wrapped] = inside(der, element(der, 0));
  demand(content(der, status).toString('hex') === '00', 'the response is successful');
  const [bytes] = inside(der, wrapped);
  const [, octets] = inside(der, bytes);
  const basic = Buffer.from(content(der, octets));
  const { rest, ...signed } = signedParts(basic);
  const data = inside(signed.tbs, element(signed.tbs, 0)).filter(({ tag }) => tag !== 0xa0);
  const [, produced, responses] = data;
  const answers = inside(signed.tbs, responses);
  demand(answers.length === 1, 'it holds one answer');
  const sent = rest.flatMap((list) => inside(basic, inside(basic, list)[0]));
  return {
    signed,
    produced: instant(signed.tbs, produced),
    answer: readAnswer(signed.tbs, answers[0]),
    certificates: sent.map((one) => certificate(Buffer.from(slice(basic, one)))),
  };
}

function readAnswer(der, single) {
  const [id, status, thisUpdate, next] = inside(der, single);
  const [digest, name, key, serial] = inside(der, id);
  return {
    digest: oidOf(der, digest),
    name: content(der, name),
    key: content(der, key),
    serial: content(der, serial).toString('hex'),
    isGood: status.tag === 0x80,
    thisUpdate: instant(der, thisUpdate),
    nextUpdate: next?.tag === 0xa0 ? instant(der, inside(der, next)[0]) : undefined,
  };
}

// The pinned responder of the kept trust list; else the issuer, or whom it has delegated.
function responderOf(response, anchor, authority) {
  const { responder } = authority.revocation;
  if (responder) return certificate(new X509Certificate(responder).raw);
  const [sent] = response.certificates;
  if (sent === undefined) return anchor;
  demand(isBy(anchor, signedParts(sent.der)), 'the issuer has delegated the responder');
  demand(sent.der.toString('hex').includes(OCSP_SIGNING), 'for OCSP signing');
  return sent;
}

function checkResponse(proof, [leaf, anchor], authority, der) {
  const response = readResponse(der);
  const { answer } = response;
  const hash = HASHES[answer.digest];
  demand(isBy(responderOf(response, anchor, authority), response.signed), 'the responder signed');
  demand(answer.isGood, 'the answer is good');
  demand(answer.serial === leaf.serial, 'it is about this certificate');
  demand(hash(anchor.subject).equals(answer.name), 'of this issuer');
  demand(hash(anchor.keyBits).equals(answer.key), 'with this key');
  demand(proof.status.produced === response.produced, 'the row names its moment');
  demand(proof.status.this_update === answer.thisUpdate, 'and what it says of its age');
  demand(proof.status.next_update === answer.nextUpdate, 'and of its end');
}

// What the authority's policy demanded of the word that was taken.
function checkPolicy(proof, authority) {
  const { status, decided } = proof;
  const rules = authority.revocation;
  const age = decided - status.this_update;
  const most = status.degraded ? rules.degraded.max_age_s : rules.max_age_s;
  demand(status.policy === rules.policy, 'the policy is the list’s');
  demand(status.source === 'ocsp', 'the source is the one that is checked here');
  demand(-SKEW_S <= age && age <= most + SKEW_S, 'the word was young enough');
  if (status.degraded) demand(decided < Date.parse(rules.degraded.until) / 1000, 'it was allowed');
  else if (status.next_update) demand(decided <= status.next_update + SKEW_S, 'it was in time');
}

// Checks a proof; throws what does not hold. objects: Map of hash to {kind, bytes}; lists: Map of
// version to the document's text.
export function checkProof(proof, objects, lists) {
  demand(proof.evidence === 2, 'the format is known');
  const text = lists.get(proof.trust_list);
  demand(text !== undefined, 'the trust list is kept');
  demand(sha256(Buffer.from(text)).toString('hex') === proof.trust_list, 'and is what it was');
  const authority = JSON.parse(text).authorities.find(({ id }) => id === proof.authority);
  demand(authority !== undefined, 'it names the authority');
  const chain = checkChain(proof, objects, authority);
  checkSignature(proof, chain[0]);
  checkPolicy(proof, authority);
  checkResponse(proof, chain, authority, takeObject(objects, proof.status.ocsp, 'ocsp'));
  demand(proof.verdict === 'good', 'the verdict follows');
}

// Only what is used above: smCrypto's own SM3 has to agree with the one that hashes CertIDs.
demand(smCrypto.sm3('abc') === sm3v2('abc'), 'the SM3 of the two libraries agree');
