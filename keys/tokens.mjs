// Puts keys and certificates into soft locks: SoftHSM2 tokens behind PKCS#11 (RSA, P-256), and
// folders that the SKF test double reads (SM2, which SoftHSM2 does not know).
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { openssl, run } from './openssl.mjs';

export const SOFTHSM_LIBRARY = '/usr/lib/softhsm/libsofthsm2.so';
const SO_PIN = '87654321';
const OBJECT = 'signature'; // the label of key and certificate inside a token
const OBJECT_ID = '01';

// Writes softhsm2.conf for the tokens of a region and returns its path; SOFTHSM2_CONF names it to
// every program that opens them.
export async function writeSoftHsmSettings(region) {
  const tokens = path.resolve(region, 'tokens');
  const file = path.resolve(region, 'softhsm2.conf');
  await mkdir(tokens, { recursive: true, mode: 0o700 });
  const lines = ['objectstore.backend = file', 'log.level = ERROR', 'slots.removable = false'];
  await writeFile(file, [`directories.tokendir = ${tokens}`, ...lines, ''].join('\n'));
  return file;
}

// One SoftHSM2 token of that label, holding sign.key and sign.crt of the lock's folder.
export async function fillToken({ label, pin, folder }, settings) {
  const env = { SOFTHSM2_CONF: settings };
  const opened = ['--pin', pin];
  const init = ['--init-token', '--free', '--label', label, '--so-pin', SO_PIN];
  await run('softhsm2-util', [...init, ...opened], { env });
  const entry = ['--label', OBJECT, '--id', OBJECT_ID];
  const key = ['--import', path.join(folder, 'sign.key'), '--token', label];
  await run('softhsm2-util', [...key, ...entry, ...opened], { env });
  const der = path.join(folder, 'sign.der');
  await openssl(['x509', '-in', path.join(folder, 'sign.crt'), '-outform', 'DER', '-out', der]);
  const token = ['--module', SOFTHSM_LIBRARY, '--token-label', label, '--login', ...opened];
  await run('pkcs11-tool', [...token, '--write-object', der, '--type', 'cert', ...entry], { env });
}

const SKF_TRIES = '10';

// One folder for the SKF double: the signature and, where there is one, the encryption pair, the
// PIN, how many tries are left of how many, and the medium's serial number.
export async function fillSkf({ label, pin, folder, keyNumber, dual }, region) {
  const lock = path.join(region, 'skf', label);
  await mkdir(lock, { recursive: true, mode: 0o700 });
  const pairs = dual ? ['sign', 'enc'] : ['sign'];
  const files = pairs.flatMap((pair) => [`${pair}.key`, `${pair}.crt`]);
  await Promise.all(files.map((file) => copyFile(path.join(folder, file), path.join(lock, file))));
  await writeFile(path.join(lock, 'pin'), `${pin}\n`, { mode: 0o600 });
  await writeFile(path.join(lock, 'tries'), `${SKF_TRIES}\n`);
  await writeFile(path.join(lock, 'serial'), `SKF-${keyNumber}\n`);
  await mkdir(path.join(region, 'skf', 'faults'), { recursive: true });
}
