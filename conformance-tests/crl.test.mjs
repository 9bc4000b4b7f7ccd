// Lists of revoked certificates, made by `openssl ca`: fetched, kept over restarts, renewed, and never
// gone back behind. The authorities are copies of the region's, which these tests may change.
import assert from 'node:assert/strict';
import { readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { OwnAuthority } from './lib/authority.mjs';
import { request } from './lib/http.mjs';
import { signedIn } from './lib/party.mjs';
import { freePort, until } from './lib/process.mjs';
import { Provider } from './lib/provider.mjs';
import { lockOf, openRegion } from './lib/region.mjs';

const demo = await openRegion();
const { assistant } = demo;
const ADDRESS = '127.0.0.12';
const RENEWAL_MS = 60e3; // lists may be a minute old, so they are looked for after half a minute
const LOCKS = {
  'aobao-rsa': lockOf(demo, 'company-a-primary'),
  'baihua-p256': lockOf(demo, 'company-b-primary'),
  'hongliu-sm2': lockOf(demo, 'company-c-primary'),
};

const open = [];
after(async () => {
  for (const each of open.reverse()) await each.close();
});

async function authorityOf(id) {
  const own = await OwnAuthority.make(demo, id, ADDRESS);
  open.push(own);
  return own.start();
}

// A provider that goes by the lists of this authority only.
async function serve(authority, change = {}) {
  const operate = await freePort(ADDRESS);
  const house = await Provider.make(demo, {
    address: ADDRESS,
    change: (settings) => (settings.operate = { address: ADDRESS, port: operate, drain_ms: 0 }),
  });
  open.push(house);
  const list = JSON.parse(house.list);
  const policy = { policy: 'crl', crl_max_age_s: 60, ...change };
  const entry = authority.entry(
    list.authorities.find(({ id }) => id === authority.id),
    policy,
  );
  await house.publish('trust-list.json', { ...list, authorities: [entry] });
  house.metrics = async () => (await request(`http://${ADDRESS}:${operate}/metrics`)).text;
  house.lists = path.join(house.folder, 'store', 'lists');
  return house.start();
}

const logged = (house, event) =>
  house
    .log()
    .split('\n')
    .filter((line) => line.includes(`"event":"${event}"`))
    .map((line) => JSON.parse(line));

// The authority's full list and delta, and its root's list.
const listsCome = (house, count = 3) =>
  until(() => logged(house, 'list_taken').length >= count, 'the lists');

// Signs in with the authority's lock: 'good', or the refusal's code.
async function outcome(house, authority) {
  try {
    await signedIn(house.issuer, assistant, LOCKS[authority.id]);
    return 'good';
  } catch (error) {
    return error.code ?? String(error);
  }
}

// A lock that nobody has bound is good where the question is whether it is revoked.
const isAccepted = (code) => code === 'good' || code === 'lock.not_bound';

async function assertAccepted(house, authority) {
  const code = await outcome(house, authority);
  assert.ok(isAccepted(code), code);
}

const refusedAs = (house, authority, code, ms) =>
  until(async () => (await outcome(house, authority)) === code, code, ms);

const revokeLock = (authority, reason = 'keyCompromise') =>
  authority.authority.revoke(LOCKS[authority.id].certificate, reason);

// Most of their time they wait for a renewal, so they wait together.
describe('lists of revoked certificates', { concurrency: 4 }, () => {
  for (const id of Object.keys(LOCKS)) {
    test(`${id}: a lock is judged by the lists, and nobody is asked`, async () => {
      const authority = await authorityOf(id);
      const house = await serve(authority);
      await listsCome(house); // a delta that says nothing new is one all the same
      await assertAccepted(house, authority);
      const { asked } = await authority.state();
      assert.equal(asked.ocsp, 0);
      const figures = await house.metrics();
      assert.match(
        figures,
        /tamga_list_info\{authority="[^"]+",issuer="[0-9a-f]{64}",kind="full",/,
      );
      assert.match(figures, /tamga_list_left_seconds\{[^}]*kind="full"\} [0-9.]+/);
      assert.match(figures, /tamga_list_fetches_total\{[^}]*\/root\.crl",result="list"\} [1-9]/);
      assert.match(figures, /tamga_anchor_revoked\{[^}]*\} 0/);
    });
  }

  test('what is revoked is refused as soon as a delta says so', async () => {
    const authority = await authorityOf('hongliu-sm2');
    const house = await serve(authority);
    await listsCome(house);
    await assertAccepted(house, authority);
    await revokeLock(authority);
    await authority.control({ renew: ['delta'] });
    await refusedAs(house, authority, 'lock.revoked', RENEWAL_MS);
    const deltas = logged(house, 'list_taken').filter(({ kind }) => kind === 'delta');
    assert.equal(deltas.at(-1).entries, 1);
  });

  test('what has not changed is not sent again', async () => {
    const authority = await authorityOf('baihua-p256');
    const house = await serve(authority);
    await listsCome(house);
    await until(async () => (await authority.state()).asked.unchanged > 0, 'a 304', RENEWAL_MS);
    assert.match(await house.metrics(), /tamga_list_fetches_total\{[^}]*"unchanged"\} [1-9]/);
  });

  test('a restart needs no authority', async () => {
    const authority = await authorityOf('hongliu-sm2');
    const house = await serve(authority);
    await listsCome(house);
    await authority.stop();
    await house.restart();
    await assertAccepted(house, authority);
    assert.equal(logged(house, 'list_taken').length, 0); // it has them from the folder
  });

  test('a start does not wait for an authority that is slow, nor for one that is gone', async () => {
    const authority = await authorityOf('aobao-rsa');
    await authority.control({ fault: 'slow', delay_ms: 600e3 });
    const house = await serve(authority);
    assert.equal(await outcome(house, authority), 'lock.status_unavailable');
    await authority.stop();
    await house.restart();
    assert.equal(await outcome(house, authority), 'lock.status_unavailable');
    await until(() => logged(house, 'list_not_renewed').length > 0, 'a line in the log');
  });

  test('a list that comes back older is refused, and what was revoked stays so', async () => {
    const authority = await authorityOf('baihua-p256');
    await authority.control({ renew: [] });
    const house = await serve(authority);
    await listsCome(house);
    await revokeLock(authority);
    await authority.control({ renew: ['intermediate', 'delta'] });
    await refusedAs(house, authority, 'lock.revoked', RENEWAL_MS);
    await authority.control({ fault: 'replay' });
    const lower = () => logged(house, 'list_not_renewed').some(({ why }) => why === 'number_lower');
    await until(lower, 'the older list', RENEWAL_MS);
    assert.equal(await outcome(house, authority), 'lock.revoked');
  });

  test('a damaged file is dropped and its list fetched again', async () => {
    const authority = await authorityOf('aobao-rsa');
    const house = await serve(authority);
    await listsCome(house);
    await house.stop();
    for (const name of await readdir(house.lists)) {
      if (name.endsWith('.full.crl')) await writeFile(path.join(house.lists, name), 'not a list');
    }
    await house.start();
    await listsCome(house, 2);
    const dropped = logged(house, 'list_file_dropped').filter(({ kind }) => kind === 'full');
    assert.deepEqual([...new Set(dropped.map(({ why }) => why))], ['shape']);
    await assertAccepted(house, authority);
  });

  test('an authority that its root revokes issues no lock any more, also after a restart', async () => {
    const authority = await authorityOf('hongliu-sm2');
    const house = await serve(authority);
    await listsCome(house);
    await assertAccepted(house, authority);
    await authority.authority.revoke(
      authority.authority.file('intermediate.crt'),
      'CACompromise',
      'root',
    );
    await authority.control({ renew: ['root'] });
    await refusedAs(house, authority, 'lock.issuer_revoked', RENEWAL_MS);
    assert.match(await house.metrics(), /tamga_anchor_revoked\{[^}]*\} 1/);
    await authority.stop();
    for (const name of await readdir(house.lists)) {
      if (name.endsWith('.full.crl')) await rm(path.join(house.lists, name));
    }
    await house.restart();
    assert.equal(await outcome(house, authority), 'lock.issuer_revoked');
  });
});
