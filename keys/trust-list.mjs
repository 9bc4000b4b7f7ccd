// The trust list of a region (schema/trust-list.schema.json): what the provider believes of each
// authority, how it reads its certificates and where it asks about revocation.
import { profiles } from './profiles.mjs';

// Where an authority's lists are: what it revoked, what it revoked since, what its root revoked.
const LISTS = ['/crl/intermediate.crl', '/crl/delta.crl', '/root.crl'];
const LIMITS = { rsa_bits: 2048, max_days: 1900 };

// One entry. address: where the authority answers, for example http://127.0.0.51:8500.
async function entry(authority, { phone, address }) {
  const { reading, hash, pinned } = profiles[authority.id];
  const responder = pinned ? { responder: await authority.certificate('responder') } : {};
  return {
    id: authority.id,
    names: authority.names,
    phone,
    environment: 'test',
    anchors: [await authority.certificate('intermediate')],
    roots: [await authority.certificate('root')],
    profile: reading,
    limits: { ...LIMITS, keys: [authority.kind] },
    revocation: {
      policy: 'ocsp',
      ocsp: [{ url: `${address}/ocsp` }],
      hash,
      nonce: 'required',
      ...responder,
      crl: LISTS.map((list) => ({ url: `${address}${list}` })),
      deadline_ms: 4000,
      max_age_s: 600,
    },
  };
}

// trustList([{authority, phone, address}], number): the document; authorities that are not listed by
// the caller are unknown to the provider.
export async function trustList(authorities, number = 1) {
  const entries = authorities.map(({ authority, ...contact }) => entry(authority, contact));
  const issued = new Date().toISOString().replace(/\.\d+/, '');
  return { version: 1, number, issued, authorities: await Promise.all(entries) };
}
