// Rights that live long, and every way in which they end, on running nodes and by tamgactl: what is
// left of which right while a cause lasts, and after it was lifted (docs/decisions/rights.md).
import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { request } from './lib/http.mjs';
import { Party, random, signedIn } from './lib/party.mjs';
import { Postgres } from './lib/postgres.mjs';
import { run, until } from './lib/process.mjs';
import { Provider, providerProgram } from './lib/provider.mjs';
import { Redis } from './lib/redis.mjs';
import { lockOf, openRegion } from './lib/region.mjs';

const demo = await openRegion();
const { assistant } = demo;
const ADDRESS = '127.0.0.9';
const lock = lockOf(demo, 'company-b-primary');
const GRACE_S = 1;
const MANY = 64;
const OFFLINE = { scope: 'openid enterprise offline_access', prompt: 'consent' };
const REGISTERED = {
  scope: 'openid enterprise offline_access service',
  grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
};

const open = [];
after(async () => {
  for (const each of open.reverse()) await each();
});

const shorten = (settings) => {
  settings.lifetimes = { ...settings.lifetimes, refresh_grace_s: GRACE_S };
  settings.rate_limits = { token_failures_per_minute: 0 };
};

let house; // one node with embedded stores
let party;

before(async () => {
  house = await (await Provider.make(demo, { address: ADDRESS, change: shorten })).start();
  open.push(() => house.close());
  await house.bind(assistant, [lock]);
  party = new Party(house.issuer, await house.addClient(REGISTERED));
});

const visit = (at = house) => signedIn(at.issuer, assistant, lock);
const uscc = lock.uscc;

// Seconds are what the provider counts in: what begins in the second of an ending ends with it.
function secondIsOver(seconds = 1) {
  const then = Math.floor(Date.now() / 1000) + seconds;
  return until(() => Date.now() / 1000 >= then, 'the next second');
}

// --- refresh tokens ----------------------------------------------------------------------------

const tokensOf = async (from = party) => from.tokens(await visit({ issuer: from.issuer }), OFFLINE);

async function refreshed(token, from = party) {
  const answer = await from.refresh(token);
  assert.equal(answer.status, 200, answer.text);
  return answer.json();
}

async function assertDead(token, error = 'invalid_grant', from = party) {
  const answer = await from.refresh(token);
  assert.equal(answer.json().error, error, answer.text);
}

test('offline_access is heard with the consent page only', async () => {
  const without = await party.tokens(await visit(), { scope: OFFLINE.scope });
  assert.equal(without.refresh_token, undefined);
  assert.equal(without.scope, 'openid enterprise');
  const visitor = await visit();
  const asked = await party.ask(visitor, OFFLINE);
  const interaction = asked.location.searchParams.get('interaction');
  const told = await visitor.get(`/api/interaction?interaction=${interaction}`);
  assert.equal(told.offline_days, 30);
  const { refresh_token } = await party.tokens(visitor, OFFLINE);
  assert.ok(refresh_token);
});

test('a refresh token works once; the one before gets the same successor for a moment', async () => {
  const first = await tokensOf();
  const second = await refreshed(first.refresh_token);
  const repeated = await refreshed(first.refresh_token);
  assert.equal(repeated.refresh_token, second.refresh_token);
  assert.notEqual(repeated.access_token, second.access_token);
  await refreshed(second.refresh_token);
  await secondIsOver(GRACE_S + 2);
  await assertDead(first.refresh_token);
  await assertDead(second.refresh_token);
  assert.equal(await party.isActive(second.access_token), false);
});

test('a refresh token of another client is refused, and dead for its own', async () => {
  const other = new Party(house.issuer, await house.addClient(REGISTERED));
  const { refresh_token } = await tokensOf();
  await assertDead(refresh_token, 'invalid_grant', other);
  await assertDead(refresh_token);
});

test('giving back a token ends all of its grant; another client is refused', async () => {
  const other = new Party(house.issuer, await house.addClient(REGISTERED));
  for (const which of ['access_token', 'refresh_token']) {
    const tokens = await tokensOf();
    const refused = await other.revoke(tokens[which]);
    assert.equal(refused.status, 400);
    assert.equal(await party.isActive(tokens.access_token), true);
    const done = await party.revoke(tokens[which]);
    assert.deepEqual([done.status, done.text], [200, '']);
    assert.equal(await party.isActive(tokens.access_token), false);
    await assertDead(tokens.refresh_token);
    assert.equal((await party.revoke(tokens[which])).status, 200);
  }
  assert.equal((await party.revoke(random())).status, 200);
});

// --- every cause against every use ------------------------------------------------------------

let visitor;

// What a bidder let the platform have: tokens of a session, tokens with offline access, two codes.
async function getRights() {
  await secondIsOver(); // so that it is the last sign-in of all
  visitor = await visit();
  const plain = await party.tokens(visitor, { scope: 'openid enterprise' });
  const offline = await party.tokens(visitor, OFFLINE);
  const codes = [await party.code(visitor, OFFLINE), await party.code(visitor, OFFLINE)];
  return { plain, offline, codes };
}

const tamgactl = (...words) => house.command(words);

async function currentSession() {
  const [{ session }] = await tamgactl('session', 'list', uscc);
  return session;
}

function withoutAuthority() {
  const list = JSON.parse(house.list);
  list.authorities = list.authorities.filter(({ id }) => id !== lock.authority);
  return list;
}

const DEAD = 'invalid_grant';
const CAUSES = {
  'client suspended': {
    happens: () => tamgactl('client', 'suspend', party.client.client_id),
    lifts: () => tamgactl('client', 'resume', party.client.client_id),
    whileItLasts: 'invalid_client',
  },
  'enterprise suspended': {
    happens: () => tamgactl('enterprise', 'suspend', uscc),
    lifts: () => tamgactl('enterprise', 'resume', uscc),
  },
  'lock unbound': {
    happens: async () => {
      const bound = (await tamgactl('lock', 'list', uscc)).find((each) => !each.unbound);
      return tamgactl('lock', 'unbind', '--', bound.lock);
    },
    lifts: () => house.bind(assistant, [lock]),
  },
  'consent withdrawn': {
    happens: () => tamgactl('consent', 'withdraw', uscc, party.client.client_id),
    lifts: async () => party.code(await visit(), OFFLINE),
  },
  'session ended': {
    happens: async () => tamgactl('session', 'end', '--', await currentSession()),
    lifts: () => {},
  },
  'CA removed': {
    happens: () => house.load(withoutAuthority()),
    lifts: () => tamgactl('trust', 'restore', String(JSON.parse(house.list).number)),
  },
};

// A suspended client cannot even ask: a gateway asks for it.
async function assertInactive(gateway, tokens) {
  assert.equal(await gateway.isActive(tokens.access_token), false);
  const answer = await party.userinfo(tokens.access_token);
  assert.equal(answer.status, 401);
  assert.equal(answer.json().error, 'invalid_token');
}

async function assertNothingLeft(gateway, { plain, offline }, code, error) {
  await assertInactive(gateway, plain);
  await assertInactive(gateway, offline);
  await assertDead(offline.refresh_token, error);
  assert.equal((await party.redeem(code)).json().error, error);
}

async function assertWhole(gateway, { plain, offline, codes }) {
  assert.equal(await gateway.isActive(plain.access_token), true);
  assert.equal((await party.userinfo(offline.access_token)).status, 200);
  await refreshed(offline.refresh_token);
  const redeemed = await party.redeem(codes[0]);
  assert.equal(redeemed.status, 200, redeemed.text);
}

for (const [name, { happens, lifts, whileItLasts = DEAD }] of Object.entries(CAUSES)) {
  test(`${name}: nothing is left when the command has ended, and nothing comes back`, async () => {
    const asksForAll = { ...REGISTERED, tamga_introspect: 'all' };
    const gateway = new Party(house.issuer, await house.addClient(asksForAll));
    const rights = await getRights();
    assert.equal(await gateway.isActive(rights.plain.access_token), true);
    await happens();
    await assertNothingLeft(gateway, rights, rights.codes[0], whileItLasts);
    await secondIsOver();
    await lifts();
    await assertNothingLeft(gateway, rights, rights.codes[1], DEAD);
    await assertWhole(gateway, await getRights());
  });
}

test('signing out ends what a session gave, save what has offline access', async () => {
  const { plain, offline, codes } = await getRights();
  await visitor.post('/api/sign-out', {});
  assert.equal(await party.isActive(plain.access_token), false);
  assert.equal(await party.isActive(offline.access_token), true);
  await refreshed(offline.refresh_token);
  assert.equal((await party.redeem(codes[0])).json().error, DEAD);
});

test('a session that is ended is over in its browser', async () => {
  await getRights();
  assert.equal((await visitor.get('/api/session')).signed_in, true);
  await tamgactl('session', 'end', '--', await currentSession());
  assert.equal((await visitor.get('/api/session')).signed_in, false);
  assert.equal((await party.ask(visitor, OFFLINE)).location.pathname, '/sign-in');
});

test('a session that is ended while nobody runs is over when the node is back', async () => {
  await getRights();
  await house.stop();
  await tamgactl('session', 'end', '--', await currentSession());
  await house.start();
  assert.equal((await visitor.get('/api/session')).signed_in, false);
});

// --- a client in its own name ------------------------------------------------------------------

test('a client in its own name is who it says, and nobody else', async () => {
  const answer = await party.send('token', { grant_type: 'client_credentials', scope: 'service' });
  const { access_token, refresh_token, id_token } = answer.json();
  assert.deepEqual([answer.status, refresh_token, id_token], [200, undefined, undefined]);
  const told = (await party.introspect(access_token)).json();
  assert.deepEqual([told.active, told.sub, told.scope], [true, party.client.client_id, 'service']);
  const who = await party.userinfo(access_token);
  assert.deepEqual([who.status, who.json().error], [403, 'insufficient_scope']);
});

// --- a node that is killed ---------------------------------------------------------------------

test('an old refresh token is refused after kill -9, and takes its family with it', async () => {
  const first = await tokensOf();
  const second = await refreshed(first.refresh_token);
  await house.restart('SIGKILL');
  await secondIsOver(GRACE_S + 2);
  assert.equal(await party.isActive(second.access_token), true);
  await assertDead(first.refresh_token);
  await assertDead(second.refresh_token);
});

// --- two nodes ---------------------------------------------------------------------------------

let folder;

async function openStores() {
  folder = await mkdtemp(path.join(tmpdir(), 'tamga-e2e-'));
  open.push(() => rm(folder, { recursive: true, force: true }));
  await chmod(folder, 0o755); // PostgreSQL and Redis are somebody else
  const postgres = await (await Postgres.make(path.join(folder, 'postgres'))).start();
  open.push(() => postgres.stop());
  const redis = await (await Redis.make(path.join(folder, 'redis'))).start();
  open.push(() => redis.stop());
  await postgres.create('tamga');
  const store = {
    sql: postgres.uri('tamga'),
    sql_password_file: await postgres.passwordFile(path.join(folder, 'sql-password')),
    kv: redis.uri(),
    kv_password_file: await redis.passwordFile(path.join(folder, 'kv-password')),
  };
  return { store, redis };
}

async function node(store) {
  const made = await Provider.make(demo, {
    address: ADDRESS,
    change: (settings) => {
      shorten(settings);
      settings.store = store;
      settings.master_key_file = path.join(folder, 'master.key');
    },
  });
  open.push(() => made.close());
  return made;
}

// The same client at two nodes, each of which is an issuer of its own for these tests.
async function openNodes() {
  const { store, redis } = await openStores();
  const [first, second] = [await node(store), await node(store)];
  await Provider.join(first, second);
  const { code, stderr } = await run(providerProgram(), ['migrate', '--settings', first.settings]);
  assert.equal(code, 0, stderr);
  await first.start();
  await second.start();
  await first.bind(assistant, [lock]);
  const client = await first.addClient(REGISTERED);
  return { parties: [first, second].map(({ issuer }) => new Party(issuer, client)), first, redis };
}

test('two nodes are one: one successor of many refreshes, and what is ended is ended on both', async () => {
  const { parties, first, redis } = await openNodes();
  const [here, there] = parties;

  const { refresh_token } = await tokensOf(here);
  const all = await Promise.all(
    Array.from({ length: MANY }, (_, i) => parties[i % 2].refresh(refresh_token)),
  );
  assert.deepEqual([...new Set(all.map(({ status }) => status))], [200]);
  assert.equal(new Set(all.map((answer) => answer.json().refresh_token)).size, 1);
  const last = await refreshed(all[0].json().refresh_token, there);

  await secondIsOver(GRACE_S + 2);
  await assertDead(refresh_token, DEAD, there);
  for (const each of parties) assert.equal(await each.isActive(last.access_token), false);
  await assertDead(last.refresh_token, DEAD, here);

  const tokens = await tokensOf(here);
  for (const each of parties) assert.equal(await each.isActive(tokens.access_token), true);
  await first.command(['enterprise', 'suspend', uscc]);
  for (const each of parties) assert.equal(await each.isActive(tokens.access_token), false);
  await redis.kill();
  await redis.start(); // empty
  await until(async () => (await request(`${there.issuer}/oauth2/jwks`)).status === 200, 'node');
  for (const each of parties) {
    const told = await until(async () => {
      const answer = await each.introspect(tokens.access_token);
      return answer.status === 200 && answer.json();
    }, 'the store to be back');
    assert.deepEqual(told, { active: false });
  }
});
