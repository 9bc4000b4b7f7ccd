// A lock that is revoked while somebody is signed in with it, by a status service and by lists: refused
// from the moment a node learns of it, on every node, and nothing rests on it a minute later
// (docs/decisions/revocation.md). And what authorities may do meanwhile: be slow, be away.
import assert from 'node:assert/strict';
import { chmod, copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { OwnAuthority } from './lib/authority.mjs';
import { request } from './lib/http.mjs';
import { decode } from './lib/jwt.mjs';
import { Party, signedIn } from './lib/party.mjs';
import { Postgres } from './lib/postgres.mjs';
import { freePort, run, until } from './lib/process.mjs';
import { Provider, providerProgram } from './lib/provider.mjs';
import { Redis } from './lib/redis.mjs';
import { lockOf, openRegion } from './lib/region.mjs';

const demo = await openRegion();
const { assistant } = demo;
const ADDRESS = '127.0.0.18';
const MINUTE_MS = 60e3;
const RECHECK_S = 10; // the least that a trust list may say
const NOTICED_MS = MINUTE_MS + 3 * RECHECK_S * 1000; // a minute from learning it
const OFFLINE = { scope: 'openid enterprise offline_access', prompt: 'consent' };
const REGISTERED = {
  scope: 'openid enterprise offline_access',
  grant_types: ['authorization_code', 'refresh_token'],
};
const OF_RSA = lockOf(demo, 'company-a-primary');
const OF_P256 = lockOf(demo, 'company-b-primary');
const OF_SM2 = lockOf(demo, 'company-c-primary');

const open = [];
after(async () => {
  for (const each of open.reverse()) await each();
});

async function authorityOf(lock) {
  const own = await OwnAuthority.make(demo, lock.authority, ADDRESS);
  open.push(() => own.close());
  return own.start();
}

// The region's list, with this authority's services where the test has them.
function listWith(authority, list, change) {
  const own = list.authorities.find(({ id }) => id === authority.id);
  const policy = { recheck_s: RECHECK_S, deadline_ms: 1000, ...change };
  return { ...list, authorities: [authority.entry(own, policy)] };
}

// One node with stores of its own.
async function serve(authority, policy) {
  const operate = await freePort(ADDRESS);
  const house = await Provider.make(demo, {
    address: ADDRESS,
    change: (settings) => (settings.operate = { address: ADDRESS, port: operate, drain_ms: 0 }),
  });
  open.push(() => house.close());
  house.policy = (change) => listWith(authority, JSON.parse(house.list), { ...policy, ...change });
  await house.publish('trust-list.json', house.policy());
  house.metrics = async () => (await request(`http://${ADDRESS}:${operate}/metrics`)).text;
  return house.start();
}

const revoke = (authority, lock) => authority.authority.revoke(lock.certificate, 'keyCompromise');

const logged = (house, event) => house.log().includes(`"event":"${event}"`);

// 'good', or the refusal's code.
async function outcome(issuer, lock) {
  try {
    await signedIn(issuer, assistant, lock);
    return 'good';
  } catch (error) {
    return error.code ?? String(error);
  }
}

async function assertRefused(party, lock, tokens) {
  const refreshed = await party.refresh(tokens.refresh_token);
  assert.equal(refreshed.json().error, 'invalid_grant', refreshed.text);
  assert.equal(await party.isActive(tokens.access_token), false);
  assert.equal((await party.userinfo(tokens.access_token)).status, 401);
  assert.equal(await outcome(party.issuer, lock), 'lock.revoked');
}

const isOver = async (visitor) => (await visitor.get('/api/session')).signed_in === false;

async function itIsOver(visitor, party, tokens, ms) {
  await until(() => isOver(visitor), 'the end of the session', ms);
  const isDead = async () => !(await party.isActive(tokens.access_token));
  await until(isDead, 'the end of the rights', MINUTE_MS);
}

// --- two nodes ---------------------------------------------------------------------------------

async function openStores() {
  const folder = await mkdtemp(path.join(tmpdir(), 'tamga-e2e-'));
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
  return { store, masterKey: path.join(folder, 'master.key') };
}

async function node({ store, masterKey }) {
  const made = await Provider.make(demo, {
    address: ADDRESS,
    change: (settings) => Object.assign(settings, { store, master_key_file: masterKey }),
  });
  open.push(() => made.close());
  return made;
}

// Two nodes on one pair of stores: {nodes, parties}, the same client at each.
async function openNodes(authority, policy, lock) {
  const stores = await openStores();
  const nodes = [await node(stores), await node(stores)];
  await Provider.join(...nodes);
  const list = listWith(authority, JSON.parse(nodes[0].list), policy);
  for (const each of nodes) await each.publish('trust-list.json', list);
  const [first] = nodes;
  const migrated = await run(providerProgram(), ['migrate', '--settings', first.settings]);
  assert.equal(migrated.code, 0, migrated.stderr);
  for (const each of nodes) await each.start();
  if (policy.policy === 'crl') {
    for (const each of nodes) await until(() => logged(each, 'list_taken'), 'the lists');
  }
  await first.bind(assistant, [lock]);
  const client = await first.addClient(REGISTERED);
  return { nodes, parties: nodes.map(({ issuer }) => new Party(issuer, client)) };
}

async function goThrough(lock, policy, happens) {
  const authority = await authorityOf(lock);
  const { parties } = await openNodes(authority, policy, lock);
  const [here, there] = parties;
  const visitor = await signedIn(there.issuer, assistant, lock);
  const tokens = await there.tokens(visitor, OFFLINE);
  assert.equal(await here.isActive(tokens.access_token), true);
  const renewed = await here.refresh(tokens.refresh_token);
  assert.equal(renewed.status, 200, renewed.text);
  await happens(authority);
  await itIsOver(visitor, there, tokens, NOTICED_MS);
  const last = { ...tokens, refresh_token: renewed.json().refresh_token };
  for (const party of parties) await assertRefused(party, lock, last);
  assert.equal((await there.ask(visitor, OFFLINE)).location.pathname, '/sign-in');
}

// Most of their time they wait for somebody to look again, so they wait together.
describe('locks that are revoked', { concurrency: 3 }, () => {
  test('by a status service: nobody signs in or asks, and it ends on both nodes', async () => {
    const policy = { policy: 'ocsp', max_age_s: 600 };
    await goThrough(OF_P256, policy, (authority) => revoke(authority, OF_P256));
  });

  test('by a list: it ends on both nodes', async () => {
    const policy = { policy: 'crl', crl_max_age_s: 60 };
    await goThrough(OF_SM2, policy, async (authority) => {
      await revoke(authority, OF_SM2);
      await authority.control({ renew: ['intermediate', 'delta'] });
    });
  });

  test('what one node learns the other refuses at once, and a later good changes nothing', async () => {
    const authority = await authorityOf(OF_RSA);
    // Asked about rarely: what is learned is learned by a sign-in.
    const policy = { policy: 'ocsp', max_age_s: 10, recheck_s: 86400 };
    const { nodes, parties } = await openNodes(authority, policy, OF_RSA);
    const [here, there] = parties;
    const visitor = await signedIn(there.issuer, assistant, OF_RSA);
    const tokens = await there.tokens(visitor, OFFLINE);
    const index = authority.authority.file('intermediate.index');
    await copyFile(index, `${index}.good`);
    await revoke(authority, OF_RSA);
    const isRefused = async () => (await outcome(here.issuer, OF_RSA)) === 'lock.revoked';
    await until(isRefused, 'the answer from before to end', MINUTE_MS);
    const refused = await there.refresh(tokens.refresh_token);
    assert.equal(refused.json().error, 'invalid_grant', refused.text);
    await until(() => isOver(visitor), 'the end of the session', 5e3);
    await copyFile(`${index}.good`, index);
    for (const each of nodes) {
      await each.restart();
      assert.equal(await outcome(each.issuer, OF_RSA), 'lock.revoked');
    }
  });

  // --- authorities that are slow, or away -----------------------------------------------------

  test('answers are renewed ahead, so that a sign-in needs no authority', async () => {
    const authority = await authorityOf(OF_P256);
    const house = await serve(authority, { policy: 'ocsp', max_age_s: 30 });
    await house.bind(assistant, [OF_P256]);
    assert.equal(await outcome(house.issuer, OF_P256), 'good');
    const renewals = async () =>
      Number(
        /tamga_authority_renewals_total\{[^}]*"renewed"\} (\d+)/.exec(await house.metrics())[1],
      );
    await until(async () => (await renewals()) > 3, 'renewals', 2 * MINUTE_MS);
    await authority.stop();
    assert.equal(await outcome(house.issuer, OF_P256), 'good');
    assert.match(await house.metrics(), /tamga_authority_renewals_total\{[^}]*"late"\} 0/);
  });

  test('degraded: the last good word passes, marked, and is settled when the authority is back', async () => {
    const authority = await authorityOf(OF_RSA);
    const house = await serve(authority, { policy: 'ocsp', max_age_s: 10 });
    const party = new Party(house.issuer, await house.addClient(REGISTERED));
    await house.bind(assistant, [OF_RSA]);
    assert.equal(await outcome(house.issuer, OF_RSA), 'good');
    await authority.stop();
    const isAway = async () => (await outcome(house.issuer, OF_RSA)) === 'lock.status_unavailable';
    await until(isAway, 'the answer to end', MINUTE_MS);
    const end = new Date(Date.now() + 60 * MINUTE_MS).toISOString().replace(/\.\d+Z/, 'Z');
    await house.load(house.policy({ degraded: { until: end, max_age_s: 3600 } }));
    const visitor = await signedIn(house.issuer, assistant, OF_RSA);
    const tokens = await party.tokens(visitor, OFFLINE);
    const { payload } = decode(tokens.id_token);
    assert.equal(payload.acr, 'urn:tamga:acr:lock:degraded');
    assert.equal(payload.lock_status, 'degraded');
    const told = (await party.introspect(tokens.access_token)).json();
    assert.equal(told.lock_status, 'degraded');
    await authority.start();
    await until(() => logged(house, 'degraded_settled'), 'the authority to be asked', MINUTE_MS);
    assert.equal(await party.isActive(tokens.access_token), true);
    const again = await party.tokens(await signedIn(house.issuer, assistant, OF_RSA), OFFLINE);
    assert.equal(decode(again.id_token).payload.acr, 'urn:tamga:acr:lock');
  });

  test('degraded: what was revoked meanwhile ends when the authority is back', async () => {
    const authority = await authorityOf(OF_SM2);
    const house = await serve(authority, { policy: 'ocsp', max_age_s: 10 });
    const party = new Party(house.issuer, await house.addClient(REGISTERED));
    await house.bind(assistant, [OF_SM2]);
    assert.equal(await outcome(house.issuer, OF_SM2), 'good');
    await authority.stop();
    await revoke(authority, OF_SM2);
    const end = new Date(Date.now() + 60 * MINUTE_MS).toISOString().replace(/\.\d+Z/, 'Z');
    await house.load(house.policy({ degraded: { until: end, max_age_s: 3600 } }));
    let visitor;
    await until(
      async () => {
        visitor = await signedIn(house.issuer, assistant, OF_SM2);
        const { payload } = decode((await party.tokens(visitor, OFFLINE)).id_token);
        return payload.lock_status === 'degraded';
      },
      'the answer to end',
      MINUTE_MS,
    );
    const tokens = await party.tokens(visitor, OFFLINE);
    await authority.start();
    await itIsOver(visitor, party, tokens, MINUTE_MS);
    await assertRefused(party, OF_SM2, tokens);
  });
});
