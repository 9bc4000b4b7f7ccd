// The server certificates of the demo: a CA of its own, and one certificate for each program, with the
// loopback addresses it listens on. Kept from start to start while they fit and last.
import { createHash, X509Certificate } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { makeKey, openssl } from './openssl.mjs';

const DAYS = 397; // browsers take no server certificate that lasts longer
const CA_DAYS = 3650;
const SPARE_MS = 30 * 86400e3;

const CA_EXTENSIONS = ['basicConstraints = critical, CA:TRUE', 'keyUsage = critical, keyCertSign'];
const SERVER_EXTENSIONS = [
  'basicConstraints = critical, CA:FALSE',
  'keyUsage = critical, digitalSignature',
  'extendedKeyUsage = serverAuth',
];

const namesOf = (addresses) => addresses.map((address) => `IP:${address}`).join(',');

async function readCertificate(file) {
  return new X509Certificate(await readFile(file));
}

// Whether the certificate is of this CA, names just these addresses, and will last a while.
async function fits(file, ca, addresses) {
  const [certificate, issuer] = await Promise.all([file, ca].map(readCertificate));
  const named = certificate.subjectAltName.replace(/IP Address:/g, 'IP:').replace(/, /g, ',');
  const lasts = Date.parse(certificate.validTo) > Date.now() + SPARE_MS;
  return lasts && named === namesOf(addresses) && certificate.verify(issuer.publicKey);
}

// Signs a certificate for the key; ca: {key, file}, or undefined for one that signs itself.
async function certify(folder, { name, subject, extensions, days, ca }) {
  const [key, file] = ['key', 'pem'].map((end) => path.join(folder, `${name}.${end}`));
  const settings = path.join(folder, `${name}.cnf`);
  await makeKey('p256', key);
  await writeFile(
    settings,
    `[req]\ndistinguished_name = none\n[none]\n[x]\n${extensions.join('\n')}\n`,
  );
  const signer = ca ? ['-CA', ca.file, '-CAkey', ca.key] : [];
  const what = ['-subj', `/CN=${subject}`, '-config', settings, '-extensions', 'x'];
  await openssl([
    'req',
    '-x509',
    '-new',
    '-key',
    key,
    '-days',
    `${days}`,
    ...what,
    ...signer,
    '-out',
    file,
  ]);
  await rm(settings);
  return { key, file };
}

async function makeCa(folder) {
  const [key, file] = ['ca.key', 'ca.pem'].map((name) => path.join(folder, name));
  const there = await readCertificate(file).catch(() => null);
  if (there && Date.parse(there.validTo) > Date.now() + SPARE_MS) return { key, file };
  const subject = 'Tamga demo servers';
  return certify(folder, { name: 'ca', subject, extensions: CA_EXTENSIONS, days: CA_DAYS });
}

// The hash of the certificate's public key, as Chromium's switch takes it.
async function keyHash(file) {
  const { publicKey } = await readCertificate(file);
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(spki).digest('base64');
}

// serverCertificates(folder, {name: [addresses]}): {ca (file), key_hashes, name: {key, file}…}.
export async function serverCertificates(folder, programs) {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const ca = await makeCa(folder);
  const made = { ca: ca.file, key_hashes: [] };
  for (const [name, addresses] of Object.entries(programs)) {
    const [key, file] = ['key', 'pem'].map((end) => path.join(folder, `${name}.${end}`));
    made[name] = { key, file };
    if (!(await fits(file, ca.file, addresses).catch(() => false))) {
      const extensions = [...SERVER_EXTENSIONS, `subjectAltName = ${namesOf(addresses)}`];
      await certify(folder, { name, subject: addresses[0], extensions, days: DAYS, ca });
    }
    made.key_hashes.push(await keyHash(file));
  }
  return made;
}
