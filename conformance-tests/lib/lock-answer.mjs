// A lock's answer without lock and assistant: M is built and signed here, from the demo's key files,
// by node's cryptography and, for SM2, by two libraries from npm that know nothing of each other.
import {
  constants,
  createHash,
  createPrivateKey,
  sign,
  verify,
  X509Certificate,
} from 'node:crypto';
import { readFileSync } from 'node:fs';
import smCrypto from 'sm-crypto';
import { sm2 as sm2v2, sm3 as sm3v2 } from 'sm-crypto-v2';
import { children, element, slice } from '../../demo/der.mjs';

const PREFIX = Buffer.from('TAMGA-LOGIN/1\0');
const ID = '1234567812345678';
const BIT_STRING = 0x03;

export const SM2_LIBRARIES = { 'sm-crypto': smCrypto.sm2, 'sm-crypto-v2': sm2v2 };

const sha256 = (bytes) => createHash('sha256').update(bytes).digest();

// Both libraries have to agree on every hash that is made here.
function sm3(bytes) {
  const one = smCrypto.sm3(Array.from(bytes));
  const other = sm3v2(Uint8Array.from(bytes));
  if (one !== other) throw new Error('the SM3 of the two libraries differ');
  return Buffer.from(one, 'hex');
}

export const derOf = (file) => new X509Certificate(readFileSync(file)).raw;

export function message({ origin, challenge, certificate, sm2 = false }) {
  const hash = sm2 ? sm3 : sha256;
  return Buffer.concat([
    PREFIX,
    ...[Buffer.from(origin), Buffer.from(challenge), certificate].map((bytes) => hash(bytes)),
  ]);
}

// The private number of an SM2 key (PKCS#8 around SEC 1, RFC 5915) as hex.
export function sm2Private(file) {
  const pem = readFileSync(file, 'utf8').replace(/-----[^-]+-----|\s/g, '');
  const der = Buffer.from(pem, 'base64');
  const [, , octets] = children(der, element(der, 0));
  const [, number] = children(der, element(der, octets.body));
  return slice(der, number).subarray(2).toString('hex');
}

// The public point (04…) of a certificate on a curve of 256 bits, as hex.
export function sm2Public(certificate) {
  const [tbs] = children(certificate, element(certificate, 0));
  const constructed = children(certificate, tbs).filter(({ tag }) => tag & 0x20);
  const point = constructed
    .flatMap((part) => children(certificate, part))
    .find(({ tag, body, end }) => tag === BIT_STRING && end - body === 66);
  return certificate.subarray(point.body + 1, point.end).toString('hex');
}

const SIGNERS = {
  RS256: (bytes, key) => sign('sha256', bytes, createPrivateKey(readFileSync(key))),
  PS256: (bytes, key) =>
    sign('sha256', bytes, {
      key: createPrivateKey(readFileSync(key)),
      padding: constants.RSA_PKCS1_PSS_PADDING,
      saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
    }),
  ES256: (bytes, key) => sign('sha256', bytes, createPrivateKey(readFileSync(key))),
  SM2: (bytes, key, { library = 'sm-crypto', ...options } = {}) => {
    const how = { der: true, hash: true, userId: ID, ...options };
    const input = library === 'sm-crypto' ? Array.from(bytes) : Uint8Array.from(bytes);
    return Buffer.from(SM2_LIBRARIES[library].doSignature(input, sm2Private(key), how), 'hex');
  },
};

const USUAL = { rsa: 'RS256', p256: 'ES256', sm2: 'SM2' };

// The answer of a lock of demo.json to a challenge. `more` replaces what is usual: algorithm (named
// in the answer), signAs (really used), key and certificate (files), signed (the certificate in M),
// sm2 (options of the SM2 signature).
export function answerOf(lock, { origin, challenge, ...more }) {
  const algorithm = more.algorithm ?? USUAL[lock.key_type];
  const signAs = more.signAs ?? algorithm;
  const certificate = derOf(more.certificate ?? lock.certificate);
  const signed = more.signed ? derOf(more.signed) : certificate;
  const bytes = message({ origin, challenge, certificate: signed, sm2: signAs === 'SM2' });
  const signature = SIGNERS[signAs](bytes, more.key ?? lock.key, more.sm2);
  return {
    format: 'tamga-lock:1',
    algorithm,
    certificate: certificate.toString('base64'),
    signature: signature.toString('base64'),
    agentVersion: '0.1.0',
  };
}

// Whether an answer's signature is that of its certificate's key over M; for SM2 both libraries say.
export function isSigned({ algorithm, certificate, signature }, { origin, challenge }) {
  const der = Buffer.from(certificate, 'base64');
  const bytes = Buffer.from(signature, 'base64');
  const m = message({ origin, challenge, certificate: der, sm2: algorithm === 'SM2' });
  if (algorithm === 'SM2') {
    const how = { der: true, hash: true, userId: ID };
    const verdicts = Object.entries(SM2_LIBRARIES).map(([name, sm2]) => {
      const input = name === 'sm-crypto' ? Array.from(m) : Uint8Array.from(m);
      return sm2.doVerifySignature(input, bytes.toString('hex'), sm2Public(der), how);
    });
    if (verdicts[0] !== verdicts[1]) throw new Error('the two libraries differ');
    return verdicts[0];
  }
  const key = new X509Certificate(der).publicKey;
  const padding = algorithm === 'PS256' ? { padding: constants.RSA_PKCS1_PSS_PADDING } : {};
  return verify('sha256', m, { key, ...padding }, bytes);
}
