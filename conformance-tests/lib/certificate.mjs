// Server certificates of a test's own, which sign themselves.
import path from 'node:path';
import { run } from './process.mjs';

// Makes FOLDER/NAME.pem and FOLDER/NAME.key for an IP address: {key, file}.
export async function makeCertificate(folder, address, { name = 'tls', days = 2 } = {}) {
  const key = path.join(folder, `${name}.key`);
  const file = path.join(folder, `${name}.pem`);
  const what = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key];
  const names = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=IP:${address}`];
  const args = ['req', '-x509', ...what, '-out', file, '-days', `${days}`, ...names];
  const { code, stderr } = await run('openssl', args);
  if (code !== 0) throw new Error(`openssl: ${stderr}`);
  return { key, file };
}
