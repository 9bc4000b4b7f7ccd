// An installation moves to another database by tamga-idp copy, and nobody notices: what was issued,
// bound and agreed to before holds after it.
import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { request } from './lib/http.mjs';
import { decode } from './lib/jwt.mjs';
import { Party, signedIn } from './lib/party.mjs';
import { run } from './lib/process.mjs';
import { Provider, providerProgram } from './lib/provider.mjs';
import { lockOf, openRegion } from './lib/region.mjs';

const demo = await openRegion();
const { assistant } = demo;
const ADDRESS = '127.0.0.5';
const company = lockOf(demo, 'company-c-primary');

const tamga = (...words) => run(providerProgram(), words);

// The settings of a house that moves to a SQLite file of this name.
async function settingsFor(house, name) {
  const settings = JSON.parse(await readFile(house.settings, 'utf8'));
  settings.store.sql = `sqlite:${path.join(house.folder, 'store', name)}`;
  const file = path.join(house.folder, `${name}.json`);
  await writeFile(file, JSON.stringify(settings), { mode: 0o600 });
  return file;
}

async function migrated(house, name) {
  const file = await settingsFor(house, name);
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

test('what was there before a move is there after it', async () => {
  const house = await (await Provider.make(demo, { address: ADDRESS })).start();
  try {
    await house.bind(assistant, [company]);
    const party = new Party(house.issuer, await house.addClient({ client_id: 'kept' }));
    const visitor = await signedIn(house.issuer, assistant, company);
    const before = await party.tokens(visitor);
    const granted = await party.code(visitor);
    await party.redeem(granted);
    const keys = await (await request(`${house.issuer}/oauth2/jwks`)).json();
    const from = house.settings;
    const to = await migrated(house, 'moved');

    assertRefused(await tamga('copy', '--from', from, '--to', to), 'stop it first');
    await house.stop();
    const copied = await tamga('copy', '--from', from, '--to', to);
    assert.equal(copied.code, 0, copied.stderr);
    assert.match(copied.stdout, /^table +rows +checksum\n/);
    assert.match(copied.stdout, /^grants +2 {2}[0-9a-f]{16}$/m);
    assert.match(copied.stdout, /^\d+ tables, \d+ rows: read back from both, and the same\n$/m);
    assertRefused(await tamga('copy', '--from', from, '--to', to), 'expected an empty database');

    house.settings = to;
    await rm(path.join(house.folder, 'store', 'tamga.db'));
    await house.start();
    assert.deepEqual(await (await request(`${house.issuer}/oauth2/jwks`)).json(), keys);
    assert.equal(await party.isActive(before.access_token), true);
    assert.equal((await party.redeem(granted)).json().error, 'invalid_grant');
    const again = await signedIn(house.issuer, assistant, company);
    const answer = await party.ask(again, { prompt: 'none' });
    assert.ok(answer.location.searchParams.get('code'), 'consent is remembered');
    const { sub } = decode((await party.tokens(again)).id_token).payload;
    assert.equal(sub, decode(before.id_token).payload.sub);
  } finally {
    await house.close();
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
