// An installation moves to another database by tamga-idp copy, and nobody notices: what was issued,
// bound and agreed to before holds after it.
import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { postForm, request } from './lib/http.mjs';
import { decode } from './lib/jwt.mjs';
import { Party, signedIn } from './lib/party.mjs';
import { Postgres } from './lib/postgres.mjs';
import { run, until } from './lib/process.mjs';
import { Provider, providerProgram } from './lib/provider.mjs';
import { lockOf, openRegion } from './lib/region.mjs';

const demo = await openRegion();
const { assistant } = demo;
const ADDRESS = '127.0.0.5';
const company = lockOf(demo, 'company-c-primary');

let folder;
let postgres;

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tamga-e2e-'));
  await chmod(folder, 0o755); // the server is somebody else
  postgres = await (await Postgres.make(path.join(folder, 'postgres'))).start();
});

after(async () => {
  await postgres?.stop();
  await rm(folder, { recursive: true, force: true });
});

const tamga = (...words) => run(providerProgram(), words);

// Where a house may move to: what its settings say of the store, by a name.
const PLACES = {
  sqlite: async (house, name) => ({
    sql: `sqlite:${path.join(house.folder, 'store', `${name}.db`)}`,
  }),
  postgresql: async (house, name) => {
    await postgres.create(name);
    return {
      sql: postgres.uri(name),
      sql_password_file: await postgres.passwordFile(path.join(house.folder, 'password')),
    };
  },
};

// The settings of a house that moves.
async function settingsFor(house, name, place = 'sqlite') {
  const settings = JSON.parse(await readFile(house.settings, 'utf8'));
  Object.assign(settings.store, await PLACES[place](house, name));
  const file = path.join(house.folder, `${name}.json`);
  await writeFile(file, JSON.stringify(settings), { mode: 0o600 });
  return file;
}

async function migrated(house, name, place) {
  const file = await settingsFor(house, name, place);
  const { code, stderr } = await tamga('migrate', '--settings', file);
  assert.equal(code, 0, stderr);
  return file;
}

function assertRefused({ code, stdout, stderr }, fact) {
  const lines = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('{'));
  assert.equal(code, 1, stderr);
  assert.equal(stdout, '');
  assert.equal(lines.length, 1, stderr);
  assert.ok(lines[0].startsWith('tamga-idp: ') && lines[0].includes(fact), stderr);
}

for (const place of Object.keys(PLACES)) {
  test(`what was there before a move to ${place} is there after it`, async () => {
    const house = await (await Provider.make(demo, { address: ADDRESS })).start();
    try {
      await house.bind(assistant, [company]);
      const client = await house.addClient({
        client_id: 'kept',
        grant_types: ['authorization_code', 'refresh_token'],
        scope: 'openid enterprise lock offline_access',
      });
      const party = new Party(house.issuer, client);
      const refresh = (refresh_token) =>
        postForm(
          `${house.issuer}/oauth2/token`,
          { grant_type: 'refresh_token', refresh_token },
          { Authorization: party.basic() },
        );
      const visitor = await signedIn(house.issuer, assistant, company);
      const before = await party.tokens(visitor);
      const lasting = await party.tokens(visitor, {
        scope: 'openid offline_access',
        prompt: 'consent',
      });
      const used = lasting.refresh_token;
      const newest = (await refresh(used)).json().refresh_token;
      const granted = await party.code(visitor);
      await party.redeem(granted);
      const keys = await (await request(`${house.issuer}/oauth2/jwks`)).json();
      const from = house.settings;
      const to = await migrated(house, 'moved', place);

      assertRefused(await tamga('copy', '--from', from, '--to', to), 'stop it first');
      await house.stop();
      const copied = await tamga('copy', '--from', from, '--to', to);
      assert.equal(copied.code, 0, copied.stderr);
      assert.match(copied.stdout, /^table +rows +checksum\n/);
      assert.match(copied.stdout, /^grants +3 {2}[0-9a-f]{16}$/m);
      assert.match(copied.stdout, /^\d+ tables, \d+ rows: read back from both, and the same\n$/m);
      assertRefused(await tamga('copy', '--from', from, '--to', to), 'expected an empty database');

      house.settings = to;
      await rm(path.join(house.folder, 'store', 'tamga.db'));
      await house.start();
      assert.deepEqual(await (await request(`${house.issuer}/oauth2/jwks`)).json(), keys);
      assert.equal(await party.isActive(before.access_token), true);
      assert.equal((await party.redeem(granted)).json().error, 'invalid_grant');
      const successor = await refresh(newest);
      assert.equal(successor.status, 200, successor.text);
      assert.equal((await refresh(used)).json().error, 'invalid_grant'); // and ends the family
      assert.equal((await refresh(successor.json().refresh_token)).status, 400);
      const again = await signedIn(house.issuer, assistant, company);
      const answer = await party.ask(again, { prompt: 'none' });
      assert.ok(answer.location.searchParams.get('code'), 'consent is remembered');
      const { sub } = decode((await party.tokens(again)).id_token).payload;
      assert.equal(sub, decode(before.id_token).payload.sub);
    } finally {
      await house.close();
    }
  });
}

test('a database of several nodes is made by migrate alone, and nodes it leaves behind say so', async () => {
  const house = await Provider.make(demo, { address: ADDRESS });
  try {
    house.settings = await settingsFor(house, 'shared', 'postgresql');
    const serve = () => tamga('serve', '--settings', house.settings);
    const version = () => postgres.query('shared', 'SELECT max(version) FROM schema_version');
    assertRefused(await serve(), 'the database has schema version 0');
    assert.equal((await tamga('migrate', '--settings', house.settings)).code, 0);
    const own = Number(await version());
    await house.start();

    // as migrate of a newer program does, which this one can still work with, and then cannot
    for (const [after, oldest] of [
      [1, own],
      [2, own + 1],
    ]) {
      await postgres.query(
        'shared',
        `INSERT INTO schema_version (version, name, applied, hash, oldest_program)
           VALUES (${own + after}, 'later', 0, 'x', ${oldest});
         UPDATE generation SET value = value + 1`,
      );
      const { stdout } = await tamga('migrate', '--settings', house.settings);
      if (after === 1) assert.match(stdout, /^nothing to do: /);
    }
    await until(() => house.log().includes('"schema_left_behind"'), 'the node to notice');
    assert.equal(await house.stop().then(({ code }) => code), 0);
    assertRefused(await serve(), `for programs of version ${own + 1} and above`);
    assertRefused(await tamga('migrate', '--settings', house.settings), 'use a newer one');
  } finally {
    await rm(house.folder, { recursive: true, force: true });
  }
});

test('a copy between installations that do not belong together is refused', async () => {
  const house = await Provider.make(demo, { address: ADDRESS });
  const other = await Provider.make(demo, { address: ADDRESS });
  try {
    const from = await migrated(house, 'from');
    const to = await migrated(other, 'to');
    assertRefused(await tamga('copy', '--from', from, '--to', to), 'different issuers');
    const raw = await settingsFor(house, 'raw');
    assertRefused(await tamga('copy', '--from', from, '--to', raw), 'run tamga-idp migrate');
    assertRefused(await tamga('copy', '--from', from, '--to', '/nowhere.json'), '/nowhere.json');
  } finally {
    for (const { folder } of [house, other]) await rm(folder, { recursive: true, force: true });
  }
});
