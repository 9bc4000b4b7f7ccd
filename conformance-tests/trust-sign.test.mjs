// Two trust managers sign a list with their locks, through real drivers (SoftHSM2 behind PKCS#11, the
// SKF double), and the provider works by it; and each way in which a list is not signed.
import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import Ajv from 'ajv/dist/2020.js';
import { SOFTHSM_LIBRARY } from '../keys/tokens.mjs';
import { isSigned } from './lib/lock-answer.mjs';
import { built, run } from './lib/process.mjs';
import { Provider } from './lib/provider.mjs';
import { openRegion } from './lib/region.mjs';
import { Terminal } from './lib/terminal.mjs';

const demo = await openRegion();
const ADDRESS = '127.0.0.14';
const [one, two, three] = demo.managers; // P-256, SM2, RSA
const GOES = 'baihua-p256';
const schema = JSON.parse(await readFile('schema/trust-signatures.schema.json', 'utf8'));
const isDocument = new Ajv({ strict: false }).compile(schema);

let folder;
let house;
let env; // where the managers' locks are
let assistant; // the settings that name their drivers
let list; // a file that nobody has signed yet
let pin; // and a file with the managers' PIN

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tamga-e2e-'));
  house = await (await Provider.make(demo, { address: ADDRESS })).start();
  const skf = path.join(folder, 'skf'); // with tries of its own
  await cp(demo.managers_env.TAMGA_SKF_DOUBLE, skf, { recursive: true });
  env = { ...demo.managers_env, TAMGA_SKF_DOUBLE: skf };
  assistant = path.join(folder, 'assistant.json');
  const drivers = [
    { kind: 'pkcs11', library: SOFTHSM_LIBRARY },
    { kind: 'skf', library: built('doubles/skf-double.so') },
  ];
  const origins = ['https://idp.example'];
  await writeFile(assistant, JSON.stringify({ origins, portal: `${origins[0]}/`, drivers }));
  pin = path.join(folder, 'pin');
  await writeFile(pin, `${one.pin}\n`, { mode: 0o600 });
});

after(async () => {
  await house.close();
  await rm(folder, { recursive: true, force: true });
});

let counter = 0;
const shorter = () => {
  const value = house.numbered(JSON.parse(house.list));
  return { ...value, authorities: value.authorities.filter(({ id }) => id !== GOES) };
};

beforeEach(async () => {
  list = path.join(folder, `list-${counter++}.json`);
  await writeFile(list, JSON.stringify(shorter()));
});

const SETTINGS = () => ['--settings', house.settings];
const LOCKS = () => ['--assistant', assistant];

// tamgactl trust WORDS: what it said, whatever came of it.
const tell = (...words) =>
  run(built('bin/tamgactl'), [...SETTINGS(), 'trust', ...words, ...LOCKS()], { env });

const sign = (manager, ...more) =>
  tell('sign', list, '--lock', manager.label, '--pin-file', pin, ...more);

async function signed(manager, ...more) {
  const { code, stdout, stderr } = await sign(manager, ...more);
  assert.equal(code, 0, stderr);
  return { ...JSON.parse(stdout), said: stderr };
}

async function assertRefused(telling, ...facts) {
  const { code, stdout, stderr } = await telling;
  assert.equal(code, 1, stderr);
  assert.equal(stdout, '');
  const last = stderr.trimEnd().split('\n').at(-1);
  for (const fact of facts) assert.ok(last.includes(fact), `${fact} in ${stderr}`);
}

const signaturesOf = async (file) => JSON.parse(await readFile(`${file}.signatures`, 'utf8'));

const load = (file = list) => run(built('bin/tamgactl'), [...SETTINGS(), 'trust', 'load', file]);

test('two managers sign with their locks, and the list counts', async () => {
  const first = await signed(one);
  assert.deepEqual([first.count, first.key_hash], [1, one.key_hash]);
  assert.equal(first.issuer, house.issuer);
  await assertRefused(load(), 'expected signatures of 2 trust managers, 1 of 1 count');
  const second = await signed(two);
  assert.deepEqual([second.count, second.key_hash], [2, two.key_hash]);

  const document = await signaturesOf(list);
  assert.ok(isDocument(document), JSON.stringify(isDocument.errors));
  for (const { origin, challenge, answer } of document.signatures) {
    assert.equal(origin, house.issuer);
    assert.ok(isSigned(answer, { origin: house.issuer, challenge }));
  }
  const { code, stderr, stdout } = await load();
  assert.equal(code, 0, stderr);
  assert.deepEqual(JSON.parse(stdout).removed, [GOES]);
});

test('who may write to the folder does not choose which file is written', async () => {
  const victim = path.join(folder, 'victim');
  await writeFile(victim, 'mine');
  await symlink(victim, `${list}.signatures.new`);
  await signed(one);
  assert.equal(await readFile(victim, 'utf8'), 'mine');
});

test('an RSA lock signs, too; a third signature drops none', async () => {
  for (const manager of [one, two, three]) await signed(manager);
  const { signatures } = await signaturesOf(list);
  assert.deepEqual(
    signatures.map(({ answer }) => answer.algorithm),
    ['ES256', 'SM2', 'RS256'],
  );
});

test('before the PIN is asked for, it is shown what is signed and what changes', async () => {
  const before = path.join(folder, 'before.json');
  await writeFile(before, house.list);
  const value = JSON.parse(await readFile(list, 'utf8'));
  value.authorities[0].phone = '0471-999-9999';
  await writeFile(list, JSON.stringify(value));
  const { said, version, number } = await signed(one, '--against', before);
  assert.match(said, new RegExp(`version +${version}\n`));
  assert.match(said, new RegExp(`number +${number}\n`));
  assert.ok(said.includes(house.issuer) && said.includes(one.key_hash), said);
  assert.match(said, new RegExp(`removed +${GOES} \\(test\\) 白桦`));
  assert.match(said, new RegExp(`changed +${value.authorities[0].id}: phone\n`));
  assert.match(said, /as before 1\n/);
});

test('a list that is not above the one that it is compared with is remarked on', async () => {
  const { said } = await signed(one, '--against', list);
  assert.match(said, /the number is not a higher one/);
});

test('at a terminal the lock is chosen and the PIN typed, without being shown', async () => {
  const args = [...SETTINGS(), 'trust', 'sign', list, ...LOCKS()];
  const terminal = new Terminal(built('bin/tamgactl'), args, env);
  await terminal.answer('Which lock signs?', '1');
  await terminal.answer('PIN of', one.pin);
  const { code, shown } = await terminal.ended;
  assert.equal(code, 0, shown);
  assert.ok(!shown.includes(one.pin), shown);
  assert.ok(shown.indexOf('version') < shown.indexOf('PIN of'), shown);
  assert.equal((await signaturesOf(list)).signatures.length, 1);
});

test('without a terminal the lock has to be named, and the PIN stand in a file', async () => {
  const unattended = (...words) =>
    run('setsid', ['-w', built('bin/tamgactl'), ...SETTINGS(), 'trust', 'sign', list, ...words], {
      env,
    });
  await assertRefused(unattended(...LOCKS()), 'several locks', '--lock');
  await assertRefused(unattended(...LOCKS(), '--lock', one.label), '--pin-file');
  await assert.rejects(signaturesOf(list));
});

test('a wrong PIN tells how many tries are left, and signs nothing', async () => {
  const wrong = path.join(folder, 'wrong');
  await writeFile(wrong, '654321\n', { mode: 0o600 });
  for (const left of [9, 8]) {
    const telling = tell('sign', list, '--lock', two.label, '--pin-file', wrong);
    await assertRefused(telling, 'the PIN is wrong', `tries left: ${left}`);
  }
  await assertRefused(tell('sign', list, '--lock', one.label, '--pin-file', wrong), 'is wrong');
  await assert.rejects(signaturesOf(list));
});

test('a file with a PIN that others may read is refused', async () => {
  const open = path.join(folder, 'open');
  await writeFile(open, `${one.pin}\n`, { mode: 0o644 });
  await assertRefused(tell('sign', list, '--lock', one.label, '--pin-file', open), '0644');
});

test('nobody signs twice', async () => {
  await signed(one);
  const before = await readFile(`${list}.signatures`, 'utf8');
  await assertRefused(sign(one), 'signatures[0]', 'the same key has signed already');
  assert.equal(await readFile(`${list}.signatures`, 'utf8'), before);
});

test('one list is signed for several issuers; each installation counts its own', async () => {
  await signed(one, '--issuer', 'https://elsewhere.example');
  await signed(two, '--issuer', 'https://elsewhere.example');
  await assertRefused(load(), '0 of 2 count', 'another issuer');
  await signed(one);
  await signed(two);
  const { code, stderr } = await load();
  assert.equal(code, 0, stderr);
  assert.equal((await signaturesOf(list)).signatures.length, 4);
});

test('a text that was changed after somebody signed it is neither signed nor loaded', async () => {
  await signed(one);
  await signed(two);
  await writeFile(list, `${await readFile(list, 'utf8')}\n`);
  await assertRefused(sign(three), 'signatures[0]', 'another text of the list');
  await assertRefused(load(), '0 of 2 count', 'another text of the list');
});

test('a wrong list, and one from standard input, are not signed', async () => {
  await writeFile(list, '{"version":1}');
  await assertRefused(sign(one), list, 'number');
  await assertRefused(tell('sign', '-', '--lock', one.label, '--pin-file', pin), 'a file');
});

test('locks tells what the settings call each key; settings are not needed for it', async () => {
  const words = ['--settings', '/nowhere', 'trust', 'locks', ...LOCKS()];
  const { code, stdout, stderr } = await run(built('bin/tamgactl'), words, { env });
  assert.equal(code, 0, stderr);
  const hashes = Object.fromEntries(JSON.parse(stdout).map((each) => [each.label, each.key_hash]));
  for (const manager of demo.managers) assert.equal(hashes[manager.label], manager.key_hash);
});

test('signing needs neither settings nor the database where the issuer is named', async () => {
  const words = ['--settings', '/nowhere', 'trust', 'sign', list, '--pin-file', pin];
  const nowhere = (...more) =>
    run(built('bin/tamgactl'), [...words, '--lock', one.label, ...LOCKS(), ...more], { env });
  await assertRefused(nowhere(), '/nowhere');
  const { code, stderr } = await nowhere('--issuer', 'https://idp.example');
  assert.equal(code, 0, stderr);
});
