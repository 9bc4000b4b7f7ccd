// A provider that cannot start says why in one line, leaves with exit status 1, and leaves nothing
// half-started behind: nothing listens, and no store was made where it could not be used.
import assert from 'node:assert/strict';
import { access, chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { makeCertificate } from './lib/certificate.mjs';
import { request } from './lib/http.mjs';
import { Postgres } from './lib/postgres.mjs';
import { built, listens, run } from './lib/process.mjs';
import { Provider, providerProgram } from './lib/provider.mjs';
import { Redis } from './lib/redis.mjs';
import { openRegion } from './lib/region.mjs';

const demo = await openRegion();
const ADDRESS = '127.0.0.4';

const exists = (file) =>
  access(file).then(
    () => true,
    () => false,
  );
const databaseOf = (house) => path.join(house.folder, 'store', 'tamga.db');
const keyOf = (house) => path.join(house.folder, 'store', 'master.key');

// Runs a provider whose settings or surroundings are spoilt: what it said.
async function failed(spoil, { words, look } = {}) {
  const house = await Provider.make(demo, { address: ADDRESS });
  try {
    const settings = JSON.parse(await readFile(house.settings, 'utf8'));
    const changed = (await spoil(settings, house)) ?? settings;
    const text = typeof changed === 'string' ? changed : JSON.stringify(changed);
    await writeFile(house.settings, text);
    const args = words?.(house) ?? ['serve', '--settings', house.settings];
    const ended = await run(providerProgram(), args);
    await look?.(house);
    const left = {
      listening: await listens(ADDRESS, house.port),
      database: await exists(databaseOf(house)),
      settings: house.settings,
    };
    return { ...ended, ...left };
  } finally {
    await rm(house.folder, { recursive: true, force: true });
  }
}

// One line that tells each of `facts`, exit 1, nothing left.
function assertGaveUp({ code, stderr, stdout, listening }, ...facts) {
  const lines = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('{'));
  assert.equal(code, 1, stderr);
  assert.equal(lines.length, 1, stderr);
  assert.match(lines[0], /^tamga-idp: /);
  for (const fact of facts) assert.ok(lines[0].includes(fact), `${fact} in ${lines[0]}`);
  assert.equal(stdout, '');
  assert.equal(listening, false);
}

const SETTINGS = [
  ['no JSON', () => '{ "issuer": ', []],
  ['no object', () => '[]', ['object']],
  ['a key twice', () => '{"issuer":"a","issuer":"b"}', ['issuer']],
  ['an unknown key', (settings) => ({ ...settings, isuer: 'x' }), ['isuer']],
  ['an unknown key inside', (s) => ({ ...s, listen: { ...s.listen, prot: 1 } }), ['listen.prot']],
  ['no issuer', ({ issuer: _, ...rest }) => rest, ['issuer']],
  ['an issuer with a path', (s) => ({ ...s, issuer: `${s.issuer}/x` }), ['issuer']],
  [
    'an http issuer outside',
    (s) => ({ ...s, issuer: 'http://idp.example' }),
    ['issuer', 'loopback'],
  ],
  ['an http issuer in production', (s) => ({ ...s, development: false }), ['issuer', 'https']],
  ['a port that is none', (s) => ({ ...s, listen: { port: 70000 } }), ['listen.port', '65535']],
  ['a text for a number', (s) => ({ ...s, listen: { port: '8080' } }), ['listen.port']],
  ['another kind of store', (s) => ({ ...s, store: { sql: 'mysql:x' } }), ['store.sql', 'sqlite']],
  ['another key-value store', (s) => ({ ...s, store: { ...s.store, kv: 'x:' } }), ['store.kv']],
  ['a log level that is none', (s) => ({ ...s, log: { level: 'loud' } }), ['log.level']],
];

for (const [what, spoil, facts] of SETTINGS) {
  test(`settings with ${what} are refused with file, key and expectation`, async () => {
    const ended = await failed(spoil);
    assertGaveUp(ended, ...facts);
    if (!facts.includes('store.sql') && !facts.includes('store.kv')) {
      assert.ok(ended.stderr.includes(ended.settings), ended.stderr);
    }
    assert.equal(ended.database, false);
  });
}

test('a settings file that is not there is told by name', async () => {
  const words = ({ folder }) => ['serve', '--settings', path.join(folder, 'nothing.json')];
  assertGaveUp(await failed(() => {}, { words }), 'nothing.json');
});

test('a command line that makes no sense tells the usage', async () => {
  for (const words of [
    [],
    ['serve'],
    ['start', '--settings', 'x'],
    ['serve', '-s', 'x'],
    ['serve', '--settings', 'x', '--settings', 'x'],
    ['serve', '--settings', 'x', 'y'],
    ['--help', 'serve'],
  ]) {
    const { code, stdout, stderr } = await run(providerProgram(), words);
    assert.equal(code, 2);
    assert.equal(stdout, '');
    assert.match(stderr, /^usage: tamga-idp/);
  }
});

test('help and version are told to whoever asks', async () => {
  const help = await run(providerProgram(), ['--help']);
  assert.equal(help.code, 0);
  assert.match(help.stdout, /^usage: tamga-idp COMMAND\n {2}serve --settings FILE\n/);
  const version = await run(providerProgram(), ['--version']);
  assert.equal(version.code, 0);
  assert.match(version.stdout, /^tamga-idp \d+\.\d+\.\d+ \(schema \d+\)\n$/);
});

for (const name of ['tamga-assistant', 'tamga-platform']) {
  test(`${name} tells help, version and a command line that makes no sense`, async () => {
    const ask = (...words) => run(built(`bin/${name}`), words);
    const help = await ask('--help');
    assert.equal(help.code, 0);
    assert.ok(help.stdout.startsWith(`usage: ${name} `), help.stdout);
    assert.match(help.stdout, /^Exit codes: /m);
    const version = await ask('--version');
    assert.equal(version.code, 0);
    assert.match(version.stdout, new RegExp(`^${name} \\d+\\.\\d+\\.\\d+\n$`));
    for (const words of [[], ['fly'], ['serve', '--settings']]) {
      const wrong = await ask(...words);
      assert.equal(wrong.code, 2, words.join(' '));
      assert.equal(wrong.stdout, '');
      assert.equal(wrong.stderr, help.stdout);
    }
  });
}

test('migrate makes the schema and says so, and then has nothing to do', async () => {
  const house = await Provider.make(demo, { address: ADDRESS });
  const migrate = () => run(providerProgram(), ['migrate', '--settings', house.settings]);
  const first = await migrate();
  assert.equal(first.code, 0, first.stderr);
  assert.match(
    first.stdout,
    /^0001-foundation\n0002-several-nodes\n(\d{4}-[a-z-]+\n)*the database had schema version 0 and has version (\d+) now\n$/,
  );
  const again = await migrate();
  assert.equal(again.code, 0, again.stderr);
  assert.match(again.stdout, /^nothing to do: the database has schema version \d+\n$/);
  assert.equal(await exists(keyOf(house)), false); // which is no business of a migration
  await rm(house.folder, { recursive: true, force: true });
});

test('migrate that cannot reach the database says so in one line', async () => {
  const words = ({ settings }) => ['migrate', '--settings', settings];
  const spoil = (s) => ({ ...s, store: { ...s.store, sql: 'sqlite:/nowhere/at/all/tamga.db' } });
  assertGaveUp(await failed(spoil, { words }), '/nowhere/at/all/tamga.db');
  const another = (s) => ({ ...s, store: { ...s.store, sql: 'mysql:x' } });
  assertGaveUp(await failed(another, { words }), 'store.sql');
});

test('a missing trust list is told by name', async () => {
  const spoil = (settings, { folder }) => ({ ...settings, trust_list: path.join(folder, 'none') });
  assertGaveUp(await failed(spoil), '/none', 'trust list');
});

for (const [what, text] of [
  ['is empty', ''],
  [
    'names no authority',
    '{"version":1,"number":1,"issued":"2026-11-22T00:00:00Z","authorities":[]}',
  ],
  ['is of another version', '{"version":2,"authorities":[]}'],
  ['is no JSON', 'authorities'],
]) {
  test(`a trust list that ${what} is refused: nobody's lock would be good`, async () => {
    const ended = await failed(async (settings, { folder }) => {
      const trust_list = path.join(folder, 'trust.json');
      await writeFile(trust_list, text);
      return { ...settings, trust_list };
    });
    assertGaveUp(ended, 'trust.json');
  });
}

// SECURITY row 36, with a database that nodes share: it holds no list yet, so somebody has to bring a
// good one.
test('a PostgreSQL database without a trust list, and no good file, is no start', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'tamga-e2e-'));
  await chmod(folder, 0o755); // PostgreSQL is somebody else
  const postgres = await (await Postgres.make(path.join(folder, 'postgres'))).start();
  const redis = await (await Redis.make(path.join(folder, 'redis'))).start();
  try {
    await postgres.create('tamga');
    const store = {
      sql: postgres.uri('tamga'),
      sql_password_file: await postgres.passwordFile(path.join(folder, 'sql-password')),
      kv: redis.uri(),
      kv_password_file: await redis.passwordFile(path.join(folder, 'kv-password')),
    };
    const master_key_file = path.join(folder, 'master.key');
    const common = { store, master_key_file };
    const migrate = ({ settings }) => ['migrate', '--settings', settings];
    await failed((settings) => ({ ...settings, ...common }), { words: migrate });
    const files = [
      ['none.json', null, 'trust list'],
      ['empty.json', '', 'JSON'],
      [
        'nobody.json',
        '{"version":1,"number":1,"issued":"2026-11-22T00:00:00Z","authorities":[]}',
        'authorities',
      ],
    ];
    for (const [name, text, fact] of files) {
      const trust_list = path.join(folder, name);
      if (text !== null) await writeFile(trust_list, text);
      assertGaveUp(
        await failed((settings) => ({ ...settings, ...common, trust_list })),
        name,
        fact,
      );
    }
    const nowhere = await failed(({ trust_list: _, ...settings }) => ({ ...settings, ...common }));
    assertGaveUp(nowhere, 'trust_list', 'tamgactl trust load');
  } finally {
    await postgres.stop();
    await redis.stop();
    await rm(folder, { recursive: true, force: true });
  }
});

test('a trust list whose anchor is no certificate is refused with its place', async () => {
  const ended = await failed(async (settings, { folder }) => {
    const list = JSON.parse(await readFile(settings.trust_list, 'utf8'));
    list.authorities[1].anchors = [
      '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
    ];
    const trust_list = path.join(folder, 'trust.json');
    await writeFile(trust_list, JSON.stringify(list));
    return { ...settings, trust_list };
  });
  assertGaveUp(ended, 'trust.json', 'authorities[1].anchors[0]');
});

test('a port that is in use is told, and the one that uses it goes on', async () => {
  const first = await (await Provider.make(demo, { address: ADDRESS })).start();
  try {
    const second = await Provider.make(demo, {
      address: ADDRESS,
      change: (settings) => (settings.listen.port = first.port),
    });
    const { code, stderr } = await run(providerProgram(), ['serve', '--settings', second.settings]);
    assert.equal(await exists(databaseOf(second)), false); // it was found before
    await rm(second.folder, { recursive: true, force: true });
    const lines = stderr.split('\n').filter((line) => line.startsWith('tamga-idp: '));
    assert.equal(code, 1);
    assert.equal(lines.length, 1, stderr);
    assert.ok(lines[0].includes(String(first.port)), lines[0]);
    const probe = await request(`${first.issuer}/.well-known/openid-configuration`);
    assert.equal(probe.status, 200);
  } finally {
    await first.close();
  }
});

test('a certificate with the key of another is told, before a store is made', async () => {
  const ended = await failed(async (settings, { folder }) => {
    const one = await makeCertificate(folder, ADDRESS, { name: 'one' });
    const two = await makeCertificate(folder, ADDRESS, { name: 'two' });
    const listen = { ...settings.listen, tls_certificate: one.file, tls_key: two.key };
    return { ...settings, listen };
  });
  assertGaveUp(ended, 'two.key', 'another certificate');
  assert.equal(ended.database, false);
});

test('a crash leaves no file with the keys in it', async () => {
  const provider = await (await Provider.make(demo, { address: ADDRESS })).start();
  try {
    const limits = await readFile(`/proc/${provider.program.pid}/limits`, 'utf8');
    assert.match(limits, /^Max core file size +0 +0 /m);
  } finally {
    await provider.close();
  }
});

test("an address that is not this machine's is told", async () => {
  const place = { address: '192.0.2.1', proxies: ['192.0.2.2'] };
  const elsewhere = (s) => ({ ...s, listen: { ...s.listen, ...place } });
  const issuer = 'https://idp.example';
  const real = async (settings, house) => {
    await house.publish('trust-list.json', house.list, { issuer });
    return { ...elsewhere(settings), development: false, issuer };
  };
  assertGaveUp(await failed(real), '192.0.2.1');
});

test('a provider for others speaks TLS, or names the proxies that do', async () => {
  const spoil = (s) => ({ ...s, development: false, issuer: 'https://idp.example' });
  assertGaveUp(await failed(spoil), 'listen.tls_certificate', 'listen.proxies');
});

test('development is for loopback only', async () => {
  const spoil = (s) => ({ ...s, listen: { ...s.listen, address: '0.0.0.0' } });
  assertGaveUp(await failed(spoil), 'listen.address');
});

test('a folder for the store that is not there or cannot be written is told', async () => {
  const at = (place) => (s) => ({ ...s, store: { ...s.store, sql: `sqlite:${place}` } });
  assertGaveUp(await failed(at('/nowhere/at/all/tamga.db')), '/nowhere/at/all/tamga.db');
  assertGaveUp(await failed(at('/proc/tamga.db')), '/proc/tamga.db');
});

test('a store that is no database is told and not touched', async () => {
  const before = 'this is not a database, and nobody may write over it\n'.repeat(40);
  let after;
  const spoil = (settings, house) => writeFile(databaseOf(house), before);
  const look = async (house) => (after = await readFile(databaseOf(house), 'utf8'));
  const ended = await failed(spoil, { look });
  assertGaveUp(ended, 'tamga.db', 'not a database');
  assert.equal(after, before);
});

for (const [mode, who] of [
  [0o640, 'the group'],
  [0o604, 'others'],
]) {
  test(`a master key that ${who} can read is refused`, async () => {
    const ended = await failed(async (settings, house) => {
      await writeFile(keyOf(house), Buffer.alloc(32, 7));
      await chmod(keyOf(house), mode);
      return settings;
    });
    assertGaveUp(ended, 'master.key', 'expected 0600');
  });
}

test('a master key that is too short or of another store is refused', async () => {
  const short = await failed(async (settings, house) => {
    await writeFile(keyOf(house), Buffer.alloc(5, 7), { mode: 0o600 });
    return settings;
  });
  assertGaveUp(short, 'master.key', '32 bytes');

  const house = await (await Provider.make(demo, { address: ADDRESS })).start();
  await house.stop();
  const size = (await stat(keyOf(house))).size;
  await writeFile(
    keyOf(house),
    (await readFile(keyOf(house))).map((byte) => byte ^ 1),
  );
  assert.ok(size > 0);
  const ended = await run(providerProgram(), ['serve', '--settings', house.settings]);
  assertGaveUp({ ...ended, listening: await listens(ADDRESS, house.port) }, 'master.key');
  await rm(house.folder, { recursive: true, force: true });
});

test("the master key that is made at the first start is its owner's alone", async () => {
  const house = await (await Provider.make(demo, { address: ADDRESS })).start();
  try {
    assert.equal((await stat(keyOf(house))).mode & 0o777, 0o600);
    assert.equal((await stat(databaseOf(house))).mode & 0o077, 0);
  } finally {
    await house.close();
  }
});

test('pages that were not built are told', async () => {
  const empty = async (settings, { folder }) => {
    const pages = path.join(folder, 'pages');
    await mkdir(pages);
    return { ...settings, pages };
  };
  assertGaveUp(await failed(empty), 'pages', 'index.html');
  assertGaveUp(await failed((s) => ({ ...s, pages: '/nowhere' })), '/nowhere');
});

// --- the demo's starter ----------------------------------------------------------------------------------

for (const [what, words] of [
  ['a folder that cannot be made', ['--folder', '/proc/nothing/region']],
  ['a folder that is a file', ['--folder', '/etc/hostname']],
  ['a port that is none', ['--folder', '/proc/nothing', '--port', 'many']],
  ['an option that it does not know', ['--prot', '8080']],
]) {
  test(`the starter of the demo gives up in one line at ${what}`, async () => {
    const { code, stdout, stderr } = await run(process.execPath, ['demo/run.mjs', ...words]);
    assert.equal(code, 1);
    assert.equal(stdout, '');
    assert.match(stderr, /^demo: [^\n]+\n$/);
  });
}
