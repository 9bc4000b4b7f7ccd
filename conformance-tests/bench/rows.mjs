// The rows: how each is prepared, and what its ceiling counts besides the bare HTTP answer.
import { bareSign, bareVerify } from './programs.mjs';
import { request } from './http.mjs';
import {
  clientCredentials,
  exchanges,
  families,
  introspection,
  refresh,
  revocation,
  signIns,
  tokens,
  userinfo,
} from './visitor.mjs';

const TOKENS = 2000;
const CODES = 2500;
const SIGN_INS = 1500;
const FAMILIES = 600;
const ID_TOKEN = 460; // bytes that are signed: header and payload
const M = 110; // bytes that a lock signs
const JSON_TYPE = 'application/json';
const FIXED = { type: JSON_TYPE, cache: 'public, max-age=900' };
const PRIVATE = { type: JSON_TYPE, cache: 'no-store' };

const get = ({ places }, path) => [request(places.idp, { path })];

// What is read: the same requests again and again, for a time.
function read(name, goal, { answer, requests, unavoidable = async () => ({}) }) {
  return { name, goal, answer, once: false, requests, unavoidable };
}

// What is used up by the call: fresh requests each round.
function used(name, goal, { requests, table, unavoidable }) {
  return { name, goal, answer: PRIVATE, once: true, requests, table, unavoidable };
}

function exchange(name, goal, client) {
  return used(name, goal, {
    table: 'grants',
    requests: (bench) => exchanges(bench, bench.portal, bench.clients[client], CODES),
    async unavoidable(bench, group) {
      const kv = await bench.stores.kv();
      return {
        signature: await bareSign(bench.clients[client].alg, ID_TOKEN),
        'kv take, add, get': kv.take + kv.put + kv.get,
        'commit of a grant': (await bench.stores.sql('grants', CODES, group)).commit,
      };
    },
  });
}

function lock(name, goal, kind) {
  return used(name, goal, {
    table: 'audit',
    requests: (bench) => signIns(bench, bench.locks[kind], SIGN_INS),
    async unavoidable(bench, group) {
      const kv = await bench.stores.kv();
      return {
        verification: await bareVerify(kind, M),
        'kv get, take, put': kv.get + kv.take + kv.put,
        'commit of an audit line': (await bench.stores.sql('audit', SIGN_INS, group)).commit,
      };
    },
  });
}

// Families that are there, each rotated once a round: what was answered is what comes next.
const refreshes = {
  ...used('refresh', 0.45, {
    table: 'refresh_families',
    async requests(bench) {
      const client = bench.clients.es256;
      bench.families ??= await families(bench, bench.portal, client, FAMILIES);
      return bench.families.map((token) => refresh(bench, client, token));
    },
    async unavoidable(bench, group) {
      const kv = await bench.stores.kv();
      const sql = await bench.stores.sql('refresh_families', FAMILIES, group);
      return {
        signature: await bareSign('ES256', ID_TOKEN),
        'kv get': kv.get,
        'commit of a family': sql.commit,
      };
    },
  }),
  answers(bench, all) {
    bench.families = all.map(({ body }) => JSON.parse(body).refresh_token);
  },
};

const revocations = used('revocation', 0.45, {
  table: 'grants',
  async requests(bench) {
    const client = bench.clients.es256;
    const made = await tokens(bench, bench.portal, client, FAMILIES);
    return made.map((token) => revocation(bench, client, token));
  },
  async unavoidable(bench, group) {
    const kv = await bench.stores.kv();
    const sql = await bench.stores.sql('grants', FAMILIES, group);
    return { 'kv put': kv.put, 'commit of a mark': sql.commit };
  },
});

async function someTokens(bench) {
  bench.tokens ??= await tokens(bench, bench.portal, bench.clients.es256, TOKENS);
  return bench.tokens;
}

export const rows = [
  read('discovery', 0.8, {
    answer: FIXED,
    requests: (bench) => get(bench, '/.well-known/openid-configuration'),
  }),
  read('jwks', 0.8, { answer: FIXED, requests: (bench) => get(bench, '/oauth2/jwks') }),
  read('introspection', 0.5, {
    answer: PRIVATE,
    async requests(bench) {
      const made = await someTokens(bench);
      return made.map((token) => introspection(bench, bench.clients.es256, token));
    },
    unavoidable: async (bench) => ({ 'kv get': (await bench.stores.kv()).get }),
  }),
  read('userinfo', 0.5, {
    answer: PRIVATE,
    requests: async (bench) => (await someTokens(bench)).map((token) => userinfo(bench, token)),
    unavoidable: async (bench) => ({ 'kv get, twice': 2 * (await bench.stores.kv()).get }),
  }),
  read('client_credentials', 0.45, {
    answer: PRIVATE,
    requests: async (bench) => [clientCredentials(bench, bench.clients.es256)],
    unavoidable: async (bench) => ({ 'SQL read': (await bench.stores.sql()).read }),
  }),
  refreshes,
  revocations,
  exchange('code_exchange_es256', 0.45, 'es256'),
  exchange('code_exchange_rs256', 0.8, 'rs256'),
  lock('lock_rsa', 0.5, 'rsa'),
  lock('lock_p256', 0.7, 'p256'),
  lock('lock_sm2', 0.8, 'sm2'),
];
