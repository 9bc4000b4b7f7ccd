// A whole development region: authorities, locks, soft tokens. Made once, then reused; made again
// when what is in this folder has changed.
import { createHash } from 'node:crypto';
import { readdir, readFile, rename, rm, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Authority } from './authority.mjs';
import { makeLocks } from './locks.mjs';
import { writeSoftHsmSettings } from './tokens.mjs';
import { keyHash } from './trust-signatures.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const RECORD = 'region.json';
const OLDEST_DAYS = 180; // locks are made for 530 more days

const readJson = async (file) => JSON.parse(await readFile(file, 'utf8'));

// A hash over everything in this folder that decides what a region holds.
async function recipe() {
  const names = (await readdir(HERE))
    .filter((name) => /(?<!sample)\.(mjs|json)$/.test(name))
    .sort();
  const hash = createHash('sha256');
  for (const name of names) hash.update(name).update(await readFile(path.join(HERE, name)));
  return hash.digest('hex');
}

async function existing(folder, wanted) {
  const record = await readJson(path.join(folder, RECORD)).catch(() => null);
  const age = record ? (Date.now() - Date.parse(record.made)) / 86400e3 : Infinity;
  return record?.recipe === wanted && record.folder === folder && age < OLDEST_DAYS ? record : null;
}

// Removes what make() makes, and nothing else that may lie in the folder.
async function clear(folder) {
  const made = [RECORD, 'authorities', 'locks', 'managers', 'tokens', 'skf', 'softhsm2.conf'];
  const remove = (name) => rm(path.join(folder, name), { recursive: true, force: true });
  await Promise.all(made.map(remove));
}

function authorityIn(folder, { id, names, key }) {
  return new Authority({ id, names, kind: key, folder: path.join(folder, 'authorities', id) });
}

// Those who sign the trust list. Their locks lie apart: no assistant offers them to bidders.
async function makeManagers(authorities, folder) {
  const apart = path.join(folder, 'managers');
  const settings = await writeSoftHsmSettings(apart);
  const locks = await readJson(path.join(HERE, 'managers.json'));
  const made = await makeLocks({ companies: {}, locks }, authorities, apart, settings);
  const named = made.map(async ({ label, pin, kind, key_type, key, certificate }) => {
    const key_hash = await keyHash(certificate);
    return { label, pin, kind, key_type, key, certificate, key_hash };
  });
  return Promise.all(named);
}

async function make(folder, wanted) {
  const data = await readJson(path.join(HERE, 'authorities.json'));
  const authorities = data.map((each) => authorityIn(folder, each));
  await Promise.all(authorities.map((authority) => authority.make()));
  const byId = Object.fromEntries(authorities.map((authority) => [authority.id, authority]));
  const settings = await writeSoftHsmSettings(folder);
  const locks = await makeLocks(
    await readJson(path.join(HERE, 'locks.json')),
    byId,
    folder,
    settings,
  );
  const managers = await makeManagers(byId, folder);
  const record = {
    made: new Date().toISOString(),
    recipe: wanted,
    folder,
    authorities: data,
    locks,
    managers,
  };
  // Written last: a region whose making was interrupted has no record and is made again.
  await writeFile(path.join(folder, `${RECORD}.new`), JSON.stringify(record, null, 2));
  await rename(path.join(folder, `${RECORD}.new`), path.join(folder, RECORD));
  return record;
}

// region(folder, say): the region in that folder, made when it is missing or out of date.
// {fresh: whether it was made now, folder, settings: softhsm2.conf, skf: the double's folder,
//  managers_settings and managers_skf: the same for trust managers, locks: records of makeLocks,
//  managers: [{label, pin, kind, key_type, key, certificate, key_hash}], authorities: [{id, names, phone, key, unlisted?, authority}]}
export async function region(folder, say = () => {}) {
  const at = path.resolve(folder);
  const wanted = await recipe();
  let record = await existing(at, wanted);
  const fresh = !record;
  if (fresh) {
    say('making authorities and locks');
    await clear(at);
    await mkdir(at, { recursive: true, mode: 0o700 });
    record = await make(at, wanted);
  }
  return {
    fresh,
    folder: at,
    settings: path.join(at, 'softhsm2.conf'),
    skf: path.join(at, 'skf'),
    managers_settings: path.join(at, 'managers', 'softhsm2.conf'),
    managers_skf: path.join(at, 'managers', 'skf'),
    managers: record.managers,
    locks: record.locks,
    authorities: record.authorities.map((each) => ({ ...each, authority: authorityIn(at, each) })),
  };
}
