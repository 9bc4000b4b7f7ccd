// What trust managers sign of a trust list (docs/decisions/trust-list.md), from their key files: for
// demo and tests. People sign with `tamgactl trust sign` and a lock.
import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { openssl, SM2_ID } from './openssl.mjs';

const PREFIX = Buffer.from('TAMGA-LOGIN/1\0');

// By a key's kind: H in M and in the challenge, the algorithm's name, how openssl signs.
const KINDS = {
  rsa: { hash: 'sha256', algorithm: 'RS256', sign: ['-sha256'] },
  p256: { hash: 'sha256', algorithm: 'ES256', sign: ['-sha256'] },
  sm2: { hash: 'sm3', algorithm: 'SM2', sign: ['-sm3', '-sigopt', SM2_ID] },
};

const hash = (kind, bytes) => createHash(KINDS[kind].hash).update(bytes).digest();

// A manager's name in the settings: SHA-256 of SubjectPublicKeyInfo, base64url.
export async function keyHash(certificate) {
  const pem = await openssl(['x509', '-in', certificate, '-noout', '-pubkey']);
  const der = await openssl(['pkey', '-pubin', '-outform', 'DER'], { input: pem });
  return createHash('sha256').update(der).digest('base64url');
}

// One signature over the list's bytes. manager: {key_type, key, certificate} (paths). `more` replaces
// what is usual: challenge, signedOrigin (in M; origin is what the document says).
export async function signature(list, { key_type: kind, key, certificate }, origin, more = {}) {
  const { algorithm, sign } = KINDS[kind];
  const der = new X509Certificate(await readFile(certificate)).raw;
  const random = randomBytes(32).toString('base64url');
  const usual = `trust.${random}.${hash(kind, list).toString('base64url')}`;
  const { challenge = usual, signedOrigin = origin } = more;
  const parts = [signedOrigin, challenge, der].map((part) => hash(kind, part));
  const input = Buffer.concat([PREFIX, ...parts]);
  const signed = await openssl(['dgst', ...sign, '-sign', key], { input });
  const answer = {
    format: 'tamga-lock:1',
    algorithm,
    certificate: der.toString('base64'),
    signature: signed.toString('base64'),
    agentVersion: '0.1.0',
  };
  return { origin, challenge, answer };
}

// The document with the signatures of these managers, each for all issuers.
export async function signatures(list, managers, issuers) {
  const all = issuers.flatMap((origin) => managers.map((each) => signature(list, each, origin)));
  return { format: 'tamga-trust-signatures:1', signatures: await Promise.all(all) };
}

async function replace(file, text) {
  await writeFile(`${file}.new`, text, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

// Writes a list (its text) and beside it the signatures of these managers for that issuer, or for
// several.
export async function writeSigned(file, text, { managers, issuer }) {
  const document = await signatures(Buffer.from(text), managers, [issuer].flat());
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  await replace(`${file}.signatures`, `${JSON.stringify(document, null, 2)}\n`);
  await replace(file, text);
  return file;
}
