// The locks of the demo region, made from locks.json: key, certificate, and the soft token.
import { copyFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { makeKey } from './openssl.mjs';
import { profiles } from './profiles.mjs';
import { fillSkf, fillToken } from './tokens.mjs';
import { isValid } from './uscc.mjs';

export const PIN = '123456';
const USUAL_DAYS = [-200, 530];
// GM/T 0015: these bits mark an encryption certificate, whose key others may hold too.
const ENCRYPTION = 'keyUsage = critical, keyEncipherment, dataEncipherment, keyAgreement';

function checkCompany({ uscc, uscc_is_wrong: wrong = false }) {
  if (uscc && isValid(uscc) === wrong) throw new Error(`locks.json: check character of ${uscc}`);
}

// Who a lock's certificate names, in the words that profiles.mjs takes.
function holderOf(lock, company) {
  return {
    class: lock.class ?? 'enterprise',
    name: company?.name.zh ?? '',
    uscc: company?.uscc ?? '',
    city: company?.city ?? '',
    province: company?.province,
    person: lock.person,
    keyNumber: lock.key_number,
    elsewhere: lock.elsewhere ?? false,
  };
}

async function certify(lock, holder, authority, folder) {
  const { leaf, dual = false } = profiles[authority.id];
  const { subject, extensions } = leaf(holder);
  const days = lock.days ?? USUAL_DAYS;
  await authority.issueLeaf(path.join(folder, 'sign'), { subject, extensions, days });
  if (!dual) return;
  const others = extensions.filter((line) => !line.startsWith('keyUsage'));
  const encryption = { subject, extensions: [ENCRYPTION, ...others], days };
  await authority.issueLeaf(path.join(folder, 'enc'), encryption);
}

// Makes the keys of all locks at once: they do not depend on each other.
async function makeKeys(locks, kindOf, folderOf) {
  const own = locks.filter((lock) => !lock.key_of);
  await Promise.all(
    own.flatMap((lock) => {
      const names = profiles[lock.authority].dual ? ['sign', 'enc'] : ['sign'];
      const make = (name) => makeKey(kindOf(lock), path.join(folderOf(lock), `${name}.key`));
      return names.map(make);
    }),
  );
  const shared = locks.filter((lock) => lock.key_of);
  await Promise.all(
    shared.map((lock) => {
      const from = path.join(folderOf({ label: lock.key_of }), 'sign.key');
      return copyFile(from, path.join(folderOf(lock), 'sign.key'));
    }),
  );
}

// Certificates of one authority, one after the other: `openssl ca` keeps one index.
async function certifyAll(locks, companies, authority, folderOf) {
  for (const lock of locks) {
    const folder = folderOf(lock);
    await certify(lock, holderOf(lock, companies[lock.company]), authority, folder);
    if (lock.revoked) await authority.revoke(path.join(folder, 'sign.crt'), lock.revoked);
  }
}

// makeLocks({companies, locks}, authorities by id, region folder, softhsm2.conf): what was made,
// one record a lock: label, pin, kind, class, company, uscc, authority, outcome, bound, key,
// certificate (paths, for tests that sign without a lock).
export async function makeLocks({ companies, locks }, authorities, region, settings) {
  Object.values(companies).forEach(checkCompany);
  const folderOf = (lock) => path.join(region, 'locks', lock.label);
  const kindOf = (lock) => authorities[lock.authority].kind;
  for (const lock of locks) await mkdir(folderOf(lock), { recursive: true, mode: 0o700 });
  await makeKeys(locks, kindOf, folderOf);
  await Promise.all(
    Object.values(authorities).map((authority) => {
      const own = locks.filter((lock) => lock.authority === authority.id);
      return certifyAll(own, companies, authority, folderOf);
    }),
  );
  for (const lock of locks) {
    const folder = folderOf(lock);
    const medium = { label: lock.label, pin: PIN, folder, keyNumber: lock.key_number };
    if (kindOf(lock) === 'sm2') {
      await fillSkf({ ...medium, dual: profiles[lock.authority].dual }, region);
    } else {
      await fillToken(medium, settings);
    }
  }
  return locks.map((lock) => describe(lock, companies[lock.company], kindOf(lock), folderOf(lock)));
}

function describe(lock, company, kind, folder) {
  return {
    label: lock.label,
    pin: PIN,
    kind: kind === 'sm2' ? 'skf' : 'pkcs11',
    key_type: kind,
    class: lock.class ?? 'enterprise',
    company: company?.name ?? { zh: lock.person.name, en: lock.person.name },
    company_id: lock.company,
    uscc: company?.uscc ?? '',
    city: company?.city ?? '',
    legal_representative: company?.representative ?? '',
    authority: lock.authority,
    outcome: lock.outcome,
    bound: lock.bound ?? false,
    key: path.join(folder, 'sign.key'),
    certificate: path.join(folder, 'sign.crt'),
  };
}
