// The trust list is changed while providers run: who signs in, what is left of rights, and what a
// wrong list does.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { request } from './lib/http.mjs';
import { Party, signedIn } from './lib/party.mjs';
import { Postgres } from './lib/postgres.mjs';
import { freePort, run, until } from './lib/process.mjs';
import { Provider, providerProgram } from './lib/provider.mjs';
import { Redis } from './lib/redis.mjs';
import { lockOf, openRegion } from './lib/region.mjs';

const demo = await openRegion();
const { assistant } = demo;
const ADDRESS = '127.0.0.8';
const GOES = 'baihua-p256';
const leaving = lockOf(demo, 'company-b-primary'); // of the authority that goes
const staying = lockOf(demo, 'company-c-primary');

let folder;

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tamga-e2e-'));
  await chmod(folder, 0o755); // PostgreSQL and Redis are somebody else
});

// The region's list, as a value.
const whole = ({ list }) => JSON.parse(list);

// The same without the authority that goes.
function shorter(house) {
  const list = whole(house);
  return { ...list, authorities: list.authorities.filter(({ id }) => id !== GOES) };
}

const open = [];
after(async () => {
  for (const each of open.reverse()) await each();
  await rm(folder, { recursive: true, force: true });
});

const restore = (house, number) => house.command(['trust', 'restore', String(number)]);

// Rights from the second in which an authority left are over, whenever in that second they began.
function secondIsOver() {
  const second = Math.floor(Date.now() / 1000);
  return until(() => Date.now() / 1000 >= second + 1, 'the next second');
}

// A provider with both companies bound, and a platform.
async function serve() {
  const house = await Provider.make(demo, { address: ADDRESS });
  open.push(() => house.close());
  await house.start();
  await house.bind(assistant, [leaving, staying]);
  return { house, party: new Party(house.issuer, await house.addClient({})) };
}

// Exchanges the settings' file, signed.
const replaceFile = (house, list) => house.publish('trust-list.json', list);

const tokensOf = async (party, lock) => party.tokens(await signedIn(party.issuer, assistant, lock));

const assertUnknown = (issuer) =>
  assert.rejects(signedIn(issuer, assistant, leaving), { code: 'lock.authority_unknown' });

const logged = (house, event) =>
  house
    .log()
    .split('\n')
    .filter((line) => line.includes(`"event":"${event}"`))
    .map((line) => JSON.parse(line));

// --- one node ----------------------------------------------------------------------------------

test('an authority that is removed is not believed any more, and comes back without its rights', async () => {
  const { house, party } = await serve();
  const visitor = await signedIn(house.issuer, assistant, leaving);
  const [old, other] = [await party.tokens(visitor), await tokensOf(party, staying)];

  const removed = await house.load(shorter(house));
  assert.deepEqual([removed.changed, removed.removed], [true, [GOES]]);
  assert.equal(await party.isActive(old.access_token), false);
  assert.equal(await party.isActive(other.access_token), true);
  await assertUnknown(house.issuer);
  const asked = await party.ask(visitor); // the session is there, and counts for nothing
  assert.equal(asked.location?.pathname, '/sign-in', asked.text);
  const fresh = await tokensOf(party, staying);
  assert.equal(await party.isActive(fresh.access_token), true);

  await secondIsOver();
  const restored = await restore(house, whole(house).number);
  assert.deepEqual(restored.added, [GOES]);
  assert.equal(await party.isActive(old.access_token), false);
  const again = await party.ask(visitor);
  assert.equal(again.location?.pathname, '/sign-in', again.text);
  const back = await tokensOf(party, leaving);
  assert.equal(await party.isActive(back.access_token), true);
});

test('what was loaded survives a restart, and a file that changed afterwards counts', async () => {
  const { house } = await serve();
  await house.load(shorter(house));
  await house.restart();
  await assertUnknown(house.issuer);
  await replaceFile(house, whole(house));
  await house.restart();
  await signedIn(house.issuer, assistant, leaving);
});

test('SIGHUP reads the file again; a broken one is one line of the log and changes nothing', async () => {
  const { house } = await serve();
  const file = path.join(house.folder, 'trust-list.json');
  await writeFile(file, '{"version":1,"authorities":[');
  house.program.child.kill('SIGHUP');
  const [line] = await until(() => {
    const lines = logged(house, 'not_reloaded');
    return lines.length > 0 && lines;
  }, 'the log line');
  assert.equal(line.what, 'trust_list');
  assert.ok(line.reason.includes(file), line.reason);
  assert.equal(logged(house, 'reloaded')[0].trust_list, 'kept');
  assert.equal(logged(house, 'not_reloaded').length, 1);
  await signedIn(house.issuer, assistant, leaving);

  await replaceFile(house, shorter(house));
  house.program.child.kill('SIGHUP');
  await until(() => logged(house, 'trust_list_in_use').length > 0, 'the new list in use');
  await assertUnknown(house.issuer);
  await signedIn(house.issuer, assistant, staying);
});

// --- who may change it -------------------------------------------------------------------------

const [manager] = demo.managers;
const refusal = (what) => (error) => {
  assert.ok(error.message.includes(what), error.message);
  return true;
};

// SECURITY row 36: nobody alone, and nobody without a lock, makes a list count.
const NOT_SIGNED = [
  ['by nobody', { managers: [] }, '0 of 0 count'],
  ['by one manager', { managers: [manager] }, '1 of 1 count'],
  ['twice by the same', { managers: [manager, manager] }, 'the same key has signed already'],
  ['for another issuer', { issuer: 'https://idp.example' }, 'another issuer'],
];

test('a list that two managers did not sign is not loaded, by command or as the file', async () => {
  const { house } = await serve();
  for (const [, how, why] of NOT_SIGNED) {
    const file = await house.publish('unsigned.json', shorter(house), how);
    await assert.rejects(house.command(['trust', 'load', file]), refusal(why));
    await house.publish('trust-list.json', shorter(house), how);
    house.program.child.kill('SIGHUP');
    await until(
      () => logged(house, 'not_reloaded').some(({ reason }) => reason.includes(why)),
      why,
    );
  }
  const file = await house.publish('altered.json', shorter(house));
  await writeFile(file, JSON.stringify(shorter(house)));
  await assert.rejects(house.command(['trust', 'load', file]), refusal('another text of the list'));
  await signedIn(house.issuer, assistant, leaving);
  await assert.rejects(house.restart(), refusal('another issuer'));
  await replaceFile(house, whole(house));
  await house.start();
});

test('a signed list of before does not come back by itself, but is restored by its number', async () => {
  const { house } = await serve();
  const [first, second] = [house.numbered(shorter(house)), house.numbered(whole(house))];
  const old = await house.publish('old.json', JSON.stringify(first));
  await house.command(['trust', 'load', old]);
  await house.command(['trust', 'load', await house.publish('new.json', JSON.stringify(second))]);
  await assert.rejects(house.command(['trust', 'load', old]), refusal('expected one above'));
  await house.publish('trust-list.json', JSON.stringify(first));
  house.program.child.kill('SIGHUP');
  await until(() => logged(house, 'not_reloaded').length > 0, 'the log line');
  await signedIn(house.issuer, assistant, leaving);
  const { number, loading } = await restore(house, first.number);
  assert.deepEqual([number, loading], [first.number, 4]);
  await assertUnknown(house.issuer);
});

// --- two nodes ---------------------------------------------------------------------------------

async function openStores() {
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
  return { store, postgres };
}

// A node of an installation; only the first one has a file.
async function node(store, { file = false } = {}) {
  const operate = await freePort(ADDRESS);
  const house = await Provider.make(demo, {
    address: ADDRESS,
    change: (settings) => {
      settings.store = store;
      settings.operate = { address: ADDRESS, port: operate };
      settings.master_key_file = path.join(folder, 'master.key');
      if (!file) delete settings.trust_list;
    },
  });
  house.readiness = `http://${ADDRESS}:${operate}/readyz`;
  open.push(() => house.close());
  return house;
}

const readiness = async (house) => (await request(house.readiness)).status;

test('all nodes work by the same list when the command has ended, whatever their files say', async () => {
  const { store, postgres } = await openStores();
  const [first, second] = [await node(store, { file: true }), await node(store)];
  await Provider.join(first, second);
  const { code, stderr } = await run(providerProgram(), ['migrate', '--settings', first.settings]);
  assert.equal(code, 0, stderr);
  await first.start();
  await second.start();
  await first.bind(assistant, [leaving, staying]);
  const client = await first.addClient({});
  const [party, elsewhere] = [first, second].map(({ issuer }) => new Party(issuer, client));
  const old = await tokensOf(party, leaving);
  const other = await tokensOf(elsewhere, staying);
  assert.equal(await elsewhere.isActive(old.access_token), true);

  await second.load(shorter(second));
  for (const each of [party, elsewhere]) {
    assert.equal(await each.isActive(old.access_token), false);
    assert.equal(await each.isActive(other.access_token), true);
    await assertUnknown(each.issuer);
  }

  const file = path.join(first.folder, 'trust-list.json');
  await writeFile(file, 'not read any more: the database has a list');
  await first.restart();
  await assertUnknown(first.issuer);

  await secondIsOver();
  await second.load(whole(second));
  for (const each of [party, elsewhere]) {
    assert.equal(await each.isActive(old.access_token), false);
    const back = await tokensOf(each, leaving);
    assert.equal(await each.isActive(back.access_token), true);
  }

  // Whoever writes to the database alone: a row that nobody signed, and one with signatures of another.
  const own = JSON.stringify({ ...shorter(second), number: 10 ** 6 });
  const version = createHash('sha256').update(own).digest('hex');
  for (const signatures of [`''`, '(SELECT signatures FROM trust_lists WHERE number = 1)']) {
    await postgres.query(
      'tamga',
      `INSERT INTO trust_lists (number, list_number, version, document, signatures, loaded, in_file)
       SELECT max(number) + 1, 1000000, '${version}', '${own.replaceAll("'", "''")}',
         ${signatures}, 0, 0 FROM trust_lists;
       UPDATE generation SET value = value + 1`,
    );
    for (const each of [first, second]) {
      await until(async () => (await readiness(each)) === 503, 'the node to be unready');
      await signedIn(each.issuer, assistant, leaving);
    }
    await assert.rejects(first.restart(), refusal('trust list 1000000 in the database'));
    await postgres.query(
      'tamga',
      `DELETE FROM trust_lists WHERE list_number = 1000000;
       UPDATE generation SET value = value + 1`,
    );
    await first.start();
    await until(async () => (await readiness(second)) === 200, 'the node to be ready');
  }

  // A list that cannot be read leaves the one before in use, and the nodes not ready.
  await postgres.query(
    'tamga',
    `INSERT INTO trust_lists (number, version, document, loaded, in_file)
     SELECT max(number) + 1, 'x', '{', 0, 0 FROM trust_lists;
     UPDATE generation SET value = value + 1`,
  );
  for (const each of [first, second]) {
    await until(async () => (await readiness(each)) === 503, 'the node to be unready');
    await signedIn(each.issuer, assistant, leaving);
  }
  await second.load(shorter(second));
  for (const each of [first, second]) {
    await until(async () => (await readiness(each)) === 200, 'the node to be ready');
    await assertUnknown(each.issuer);
  }
});
