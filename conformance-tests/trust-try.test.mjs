// A list is tried on the locks that were seen lately, before anybody signs it: who would be refused,
// accepted, or read otherwise, and how fast the services that it names answer.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { signedIn } from './lib/party.mjs';
import { built, run, until } from './lib/process.mjs';
import { Provider } from './lib/provider.mjs';
import { authorityOf, lockOf, misbehave, openRegion } from './lib/region.mjs';

const demo = await openRegion();
const { assistant } = demo;
const ADDRESS = '127.0.0.15';
const RSA = 'aobao-rsa';
const GOES = 'baihua-p256';
const primary = ['company-a-primary', 'company-b-primary', 'company-c-primary'];
const companies = primary.map((label) => lockOf(demo, label));
const [, leaving] = companies;

let folder;
let house;

const tell = (...words) =>
  run(built('bin/tamgactl'), ['--settings', house.settings, 'trust', ...words]);

// What a list would change. list: a value; nobody signs it.
async function tried(list, ...more) {
  const file = path.join(folder, 'candidate.json');
  await writeFile(file, JSON.stringify(list));
  const { code, stdout, stderr } = await tell('try', file, '--against', 'recent', ...more);
  assert.equal(stderr, '');
  return { code, text: stdout, ...(more.length > 0 ? {} : JSON.parse(stdout)) };
}

// The list in use with a higher number, changed.
function candidate(change = () => {}) {
  const list = JSON.parse(house.list);
  list.number += 1;
  change(list, Object.fromEntries(list.authorities.map((each) => [each.id, each])));
  return list;
}

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tamga-e2e-'));
  house = await (await Provider.make(demo, { address: ADDRESS })).start();
  await house.bind(assistant, companies);
  const personal = lockOf(demo, 'personal');
  await assert.rejects(signedIn(house.issuer, assistant, personal), { code: 'lock.personal' });
  // What is refused is written down some seconds later.
  await until(async () => (await tried(candidate())).counts.certificates === 4, 'the refusal');
});

after(async () => {
  await house.close();
  await rm(folder, { recursive: true, force: true });
});

test('a list that says the same changes nothing, and its services answer', async () => {
  const { code, counts, changes, collisions, services, list, in_use } = await tried(candidate());
  assert.equal(code, 0);
  assert.deepEqual(counts, {
    certificates: 4,
    accepted_before: 3,
    accepted_after: 3,
    as_before: 4,
    would_be_refused: 0,
    would_be_accepted: 0,
    read_otherwise: 0,
    refused_otherwise: 0,
    collisions: 0,
  });
  assert.deepEqual([changes, collisions], [[], []]);
  assert.equal(list.number, in_use.number + 1);
  for (const kind of ['ocsp', 'crl']) {
    const asked = services.filter((each) => each.kind === kind);
    assert.equal(new Set(asked.map(({ authority }) => authority)).size, 3, kind);
    for (const { good, took_ms, problem } of asked) {
      assert.ok(good && took_ms >= 0, problem);
    }
  }
  assert.ok(services.every(({ kind, bytes }) => kind === 'ocsp' || bytes > 100));
});

test('who would be refused is named with the reason, and the exit code says so', async () => {
  const shorter = candidate((list) => {
    list.authorities = list.authorities.filter(({ id }) => id !== GOES);
  });
  const { code, counts, changes } = await tried(shorter);
  assert.equal(code, 1);
  assert.equal(counts.would_be_refused, 1);
  const [lost] = changes;
  assert.equal(lost.change, 'would_be_refused');
  assert.equal(lost.before.uscc, leaving.uscc);
  assert.equal(lost.before.authority, GOES);
  assert.equal(lost.after.reason, 'lock.authority_unknown');
  assert.ok(lost.after.explanation.length > 10);
});

test('who would be accepted, and what would be read otherwise, is told and is no failure', async () => {
  const strict = candidate((list, { [RSA]: rsa }) => {
    rsa.profile.name = [{ subject: '2.5.4.10' }, { subject: '2.5.4.3' }];
    rsa.profile.key_number = [];
  });
  const { code, counts, changes } = await tried(strict);
  assert.equal(code, 0);
  assert.equal(counts.read_otherwise, 1);
  assert.deepEqual(
    [changes[0].before.key_number, changes[0].after.key_number],
    ['AB2024000001', undefined],
  );
});

test('for people the counts come first', async () => {
  const { code, text } = await tried(
    candidate((list) => {
      list.authorities = list.authorities.filter(({ id }) => id !== GOES);
    }),
    '--table',
  );
  assert.equal(code, 1);
  assert.match(text, /^4 certificates of the last 30 days; 3 are accepted, 2 would be\n/);
  assert.match(text, /\n +1 {2}accepted now, would be refused\n/);
  assert.match(text, new RegExp(`now +${leaving.uscc}`));
  assert.match(text, /then +lock\.authority_unknown/);
  assert.match(text, /aobao-rsa +ocsp +\d+ ms/);
});

test('a service that does not answer is told, and what is said of the others stays', async () => {
  const mend = await misbehave(authorityOf(demo, RSA), 'dead');
  try {
    const impatient = candidate((list, { [RSA]: rsa }) => (rsa.revocation.deadline_ms = 300));
    const { services } = await tried(impatient);
    const of = (id) => services.find((each) => each.authority === id && each.kind === 'ocsp');
    assert.equal(of(RSA).good, false);
    assert.ok(of(RSA).problem);
    assert.equal(of(GOES).good, true);
  } finally {
    await mend();
  }
});

test('how far back it looks can be said; a wrong word is told', async () => {
  const file = path.join(folder, 'candidate.json');
  await writeFile(file, JSON.stringify(candidate()));
  const { stdout } = await tell('try', file, '--against', 'recent=1');
  assert.equal(JSON.parse(stdout).days, 1);
  for (const wrong of ['recently', 'recent=0', 'recent=x', 'recent=', 'file.json']) {
    const { code, stderr } = await tell('try', file, '--against', wrong);
    assert.equal(code, 2);
    assert.match(stderr, /recent=DAYS/);
  }
});

test('trying a list changes nothing', async () => {
  const { stdout } = await tell('list');
  assert.equal(JSON.parse(stdout).length, 1);
  const text = await readFile(path.join(house.folder, 'trust-list.json'), 'utf8');
  assert.equal(text, house.list);
  await signedIn(house.issuer, assistant, leaving);
});
