// The rows: how each is prepared, and what its ceiling counts besides the bare HTTP answer.
import { bareKv, bareSign, bareSql, bareVerify } from './programs.mjs';
import { request } from './http.mjs';
import { exchanges, introspection, signIns, tokens, userinfo } from './visitor.mjs';

const TOKENS = 2000;
const CODES = 2500;
const SIGN_INS = 1500;
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
      const kv = await bareKv();
      return {
        signature: await bareSign(bench.clients[client].alg, ID_TOKEN),
        'kv take, add, get': kv.take + kv.put + kv.get,
        'commit of a grant': await bareSql(bench.folder, 'grants', CODES, group),
      };
    },
  });
}

function lock(name, goal, kind) {
  return used(name, goal, {
    table: 'audit',
    requests: (bench) => signIns(bench, bench.locks[kind], SIGN_INS),
    async unavoidable(bench, group) {
      const kv = await bareKv();
      return {
        verification: await bareVerify(kind, M),
        'kv get, take, put': kv.get + kv.take + kv.put,
        'commit of an audit line': await bareSql(bench.folder, 'audit', SIGN_INS, group),
      };
    },
  });
}

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
    unavoidable: async () => ({ 'kv get': (await bareKv()).get }),
  }),
  read('userinfo', 0.5, {
    answer: PRIVATE,
    requests: async (bench) => (await someTokens(bench)).map((token) => userinfo(bench, token)),
    unavoidable: async () => ({ 'kv get, twice': 2 * (await bareKv()).get }),
  }),
  exchange('code_exchange_es256', 0.45, 'es256'),
  exchange('code_exchange_rs256', 0.8, 'rs256'),
  lock('lock_rsa', 0.5, 'rsa'),
  lock('lock_p256', 0.7, 'p256'),
  lock('lock_sm2', 0.8, 'sm2'),
];
