// The settings files of the demo's programs, written anew at every start.
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { SOFTHSM_LIBRARY } from '../keys/tokens.mjs';
import { trustList } from '../keys/trust-list.mjs';
import { writeSigned } from '../keys/trust-signatures.mjs';
import { at } from './addresses.mjs';

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const VERSION = '0.1.0';

export const built = (name) => path.join(ROOT, 'build', name);

// The provider's program; tests run another build of it, for example with sanitizers.
export const providerProgram = () => process.env.TAMGA_IDP ?? built('bin/tamga-idp');

// Writes a JSON file in one step, readable by its owner only: secrets stand in some.
export async function writeJson(file, value) {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(`${file}.new`, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
  return file;
}

const isSame = (one, other) => JSON.stringify(one) === JSON.stringify(other);

// demo: {folder, region (region.json), keys (keys/region.mjs), places, issuer}.

// The text of the region's list. One that says the same as the one before keeps its number; another
// one has the next.
export async function trustListText({ keys, places }, before = {}) {
  const listed = keys.authorities.filter(({ unlisted }) => !unlisted);
  const entries = listed.map((each) => ({ ...each, address: at(places[`authority ${each.id}`]) }));
  const next = await trustList(entries, (before.number ?? 0) + 1);
  const list = isSame(before.authorities, next.authorities) ? before : next;
  return `${JSON.stringify(list, null, 2)}\n`;
}

// The region's list, signed for this issuer.
export async function writeTrustList({ folder, keys, places, issuer }) {
  const file = path.join(folder, 'trust-list.json');
  const before = JSON.parse(await readFile(file, 'utf8').catch(() => '{}'));
  const text = await trustListText({ keys, places }, before);
  return writeSigned(file, text, { managers: keys.managers, issuer });
}

// What the settings say of those who sign the list.
export const trustManagers = ({ managers }) => ({
  managers: managers.map(({ key_hash }) => key_hash),
});

export async function writeProvider({ folder, region, keys, places, issuer, tls }) {
  const authorities = Object.keys(region.authorities).map((id) => places[`authority ${id}`]);
  await mkdir(path.join(folder, 'idp'), { recursive: true, mode: 0o700 });
  const often = 6000; // tests of the demo come from one address
  return writeJson(path.join(folder, 'idp.json'), {
    issuer,
    listen: { ...places.idp, tls_certificate: tls.idp.file, tls_key: tls.idp.key },
    operate: { drain_ms: 0 }, // no proxy is in front
    development: true, // a platform that is being written may answer at http://127.0.0.1
    store: { sql: `sqlite:${path.join(folder, 'idp', 'tamga.db')}`, kv: 'memory:' },
    master_key_file: path.join(folder, 'idp', 'master.key'),
    trust_list: path.join(folder, 'trust-list.json'),
    trust: trustManagers(keys),
    pages: built('web/portal'),
    packages: built('packages'),
    assistant: { address: at(places.assistant), minimum_version: VERSION },
    outgoing: { allow: authorities.map(({ address, port }) => `${address}:${port}`) },
    support: { phone: region.support.phone },
    mail: {
      server: `smtp://${places.mail.address}:${places.mail.port}`,
      starttls: false, // it is on this machine
      from: 'noreply@idp.example',
      name: region.mail.name,
      retry_s: 1,
    },
    rate_limits: {
      challenge_per_minute: often,
      authorize_per_minute: often,
      token_failures_per_minute: often,
      sign_in_per_minute: often,
    },
    log: { level: 'info' },
  });
}

export async function writeAssistant({ folder, places, issuer }) {
  return writeJson(path.join(folder, 'assistant.json'), {
    listen: places.assistant.port,
    origins: [issuer],
    portal: `${issuer}/`,
    pin: 'page',
    drivers: [
      { kind: 'pkcs11', library: SOFTHSM_LIBRARY },
      { kind: 'skf', library: built('doubles/skf-double.so') },
    ],
    log: path.join(folder, 'logs', 'assistant-events.log'),
  });
}

// What the assistant needs in its environment to find the soft locks.
export const assistantEnvironment = (keys) => ({
  SOFTHSM2_CONF: keys.settings,
  TAMGA_SKF_DOUBLE: keys.skf,
});

// The platforms that have joined, with what registration gave them.
export async function writePlatforms({ folder, region, places, issuer, tls }, clients) {
  const joined = region.platforms.filter(({ joined = true }) => joined);
  const platforms = joined.map(({ id, name, phone }) => ({
    id,
    ...places[`platform ${id}`],
    client_id: clients[id].client_id,
    client_secret: clients[id].client_secret,
    redirect_uri: clients[id].redirect_uri,
    name,
    portal: `${issuer}/`,
    phone,
    data: path.join(folder, 'platforms', id),
  }));
  for (const { data } of platforms) await mkdir(data, { recursive: true, mode: 0o700 });
  return writeJson(path.join(folder, 'platforms.json'), {
    issuer,
    ca: tls.ca,
    tls_certificate: tls.platforms.file,
    tls_key: tls.platforms.key,
    platforms,
  });
}
