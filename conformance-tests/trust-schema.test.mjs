// The trust list's JSON Schema, by which editors help, and the tables of the code, which decide, say
// the same of a document: taken by both or by neither.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import Ajv from 'ajv/dist/2020.js';
import { built, run } from './lib/process.mjs';
import { openRegion } from './lib/region.mjs';

const demo = await openRegion();
const schema = JSON.parse(await readFile('schema/trust-list.schema.json', 'utf8'));
const takenBySchema = new Ajv({ strict: false, unicodeRegExp: true }).compile(schema);

async function takenByCode(document) {
  const input = JSON.stringify(document);
  const { code, stdout } = await run(built('bin/tamgactl'), ['trust', 'check', '-'], { input });
  const { good, mistakes } = JSON.parse(stdout);
  assert.equal(code, good ? 0 : 1);
  return { good, mistakes };
}

// One authority of the demo, in whose entry every optional member is said, too.
async function makeBase() {
  const file = JSON.parse(await readFile(demo.idp.settings, 'utf8')).trust_list;
  const list = JSON.parse(await readFile(file, 'utf8'));
  const [entry] = list.authorities;
  entry.roots = [...entry.anchors];
  entry.profile = {
    uscc: [
      { extension: '1.2.156.10260.4.1.4', types: ['printable', 'utf8', 'ia5', 'bmp'] },
      { extension: '1.2.156.10260.4.1.1', bare: true, prefix: 'N' },
      { subject: '2.5.4.97', types: ['utf8'], prefix: 'NTRCN-' },
    ],
    name: [{ subject: '2.5.4.3', split: '@', field: 1, of: 16 }],
    key_number: [{ subject: '2.5.4.5' }],
    medium_number: [],
    person: [
      {
        extension: '1.2.156.10260.4.1.1',
        types: ['printable'],
        choice: true,
        bare: false,
        except: 'N',
      },
    ],
    person_allowed: false,
    class: {
      enterprise: [
        { subject: '2.5.4.11', starts: 'Organizational-' },
        { policy: '1.3.6.1.4.1.32473.1.1.1' },
        { issuer: '00'.repeat(32) },
        { has: { subject: '2.5.4.10' } },
        { lacks: { extension: '1.2.156.10260.4.1.1', bare: true } },
      ],
      personal: [{ subject: '2.5.4.11', equals: 'Individual-1' }],
      legal_person: [{ has: { extension: '1.2.156.10260.4.1.1', bare: true } }],
    },
    region: [{ policy: '1.3.6.1.4.1.32473.1.2.15' }],
    extended_key_usage: ['absent', 'clientAuth', '1.2.3'],
    policies: ['1.3.6.1.4.1.32473.1.1.1'],
    strict: true,
  };
  entry.revocation = {
    policy: 'ocsp-else-crl',
    ocsp: [{ url: 'http://127.0.0.51:8500/ocsp' }],
    crl: [{ url: 'https://[::1]:81/crl' }],
    hash: 'sha256',
    nonce: 'required',
    method: 'post',
    responder: entry.anchors[0],
    deadline_ms: 4000,
    max_age_s: 600,
    crl_max_age_s: 86400,
    crl_grace_s: 0,
    recheck_s: 600,
    ahead_s: 28800,
    questions_per_second: 20,
    degraded: { until: '2030-01-01T00:00:00Z', max_age_s: 3600 },
  };
  return { ...list, authorities: [entry] };
}

const base = await makeBase();
const GONE = Symbol('left out');

// A copy in which another value stands at a path such as ['authorities', 0, 'id'].
function changed(where, value) {
  const copy = structuredClone(base);
  const last = where.at(-1);
  const above = where.slice(0, -1).reduce((at, step) => at[step], copy);
  if (value !== GONE) above[last] = value;
  else if (Array.isArray(above)) above.splice(last, 1);
  else delete above[last];
  return copy;
}

// Every path of a document.
function pathsOf(value, path = []) {
  if (typeof value !== 'object' || value === null) return [path];
  const below = Object.entries(value).flatMap(([name, inside]) =>
    pathsOf(inside, [...path, Array.isArray(value) ? Number(name) : name]),
  );
  return [path, ...below];
}

const shown = (where, value) =>
  `${where.join('.')} = ${value === GONE ? 'left out' : JSON.stringify(value)?.slice(0, 80)}`;

async function assertAgreed(document, what) {
  const { good, mistakes } = await takenByCode(document);
  const bySchema = takenBySchema(document);
  const said = JSON.stringify(bySchema ? mistakes : takenBySchema.errors?.slice(0, 3));
  assert.equal(bySchema, good, `${what}: the schema says ${bySchema}, the code ${good}; ${said}`);
  return good;
}

const entry = (...path) => ['authorities', 0, ...path];
const profile = (...path) => entry('profile', ...path);
const revocation = (...path) => entry('revocation', ...path);
const times = (n, value) => Array.from({ length: n }, () => value);

test('the document that says everything is taken by both', async () => {
  assert.equal(await assertAgreed(base, 'the base'), true);
});

test('whatever is left out, doubled in kind or unknown is taken by both or by neither', async () => {
  let refused = 0;
  for (const where of pathsOf(base).slice(1)) {
    const odd = [GONE, null, 5, 'x', [], {}, { x: 1 }];
    for (const value of odd) {
      refused += (await assertAgreed(changed(where, value), shown(where, value))) ? 0 : 1;
    }
  }
  assert.ok(refused > 400, `${refused} refused`);
});

const NUMBERS = [
  [['number'], 1, Number.MAX_SAFE_INTEGER],
  [['number'], 1, 9007199254740991],
  [entry('limits', 'rsa_bits'), 2048, 8192],
  [entry('limits', 'max_days'), 1, 36600],
  [profile('name', 0, 'of'), 2, 16],
  [revocation('deadline_ms'), 100, 30000],
  [revocation('max_age_s'), 10, 86400],
  [revocation('crl_max_age_s'), 60, 2678400],
  [revocation('crl_grace_s'), 0, 604800],
  [revocation('recheck_s'), 10, 86400],
  [revocation('ahead_s'), 60, 604800],
  [revocation('questions_per_second'), 1, 1000],
  [revocation('degraded', 'max_age_s'), 60, 86400],
];

test('numbers have the same ends', async () => {
  for (const [where, least, most] of NUMBERS) {
    const verdicts = [];
    for (const value of [least - 1, least, most, most + 1, least + 0.5]) {
      verdicts.push(await assertAgreed(changed(where, value), shown(where, value)));
    }
    assert.deepEqual(verdicts, [false, true, true, false, false], where.join('.'));
  }
});

const TEXTS = [
  [entry('id'), 1, 32],
  [entry('names', 'zh'), 1, 128],
  [entry('names', 'en'), 1, 128],
  [entry('phone'), 1, 64],
  [profile('uscc', 1, 'prefix'), 0, 64],
  [profile('person', 0, 'except'), 1, 64],
  [profile('class', 'enterprise', 0, 'starts'), 1, 256],
  [profile('class', 'personal', 0, 'equals'), 1, 256],
  [profile('name', 0, 'split'), 1, 1],
];

test('texts have the same lengths', async () => {
  for (const [where, least, most] of TEXTS) {
    for (const n of [0, least, most, most + 1]) {
      const good = await assertAgreed(changed(where, 'a'.repeat(n)), `${where.join('.')} of ${n}`);
      assert.equal(good, n >= least && n <= most, `${where.join('.')} of ${n}`);
    }
  }
});

const LISTS = [
  [['authorities'], 1, 64, 'no copies: ids have to differ'],
  [entry('roots'), 1, 16],
  [profile('uscc'), 1, 16],
  [profile('name'), 1, 16],
  [profile('key_number'), 0, 16],
  [profile('medium_number'), 0, 16],
  [profile('person'), 0, 16],
  [profile('class', 'enterprise'), 1, 16],
  [profile('class', 'personal'), 1, 16],
  [profile('class', 'legal_person'), 1, 16],
  [profile('region'), 1, 16],
  [profile('extended_key_usage'), 1, 16],
  [profile('policies'), 1, 16],
  [revocation('ocsp'), 1, 4],
  [revocation('crl'), 1, 16],
];

test('lists have the same lengths', async () => {
  for (const [where, least, most, only] of LISTS) {
    const list = where.reduce((at, step) => at[step], base);
    const one = list[0] ?? { subject: '2.5.4.5' };
    for (const n of only ? [0, most + 1] : [0, least, most, most + 1]) {
      const good = await assertAgreed(changed(where, times(n, one)), `${where.join('.')} of ${n}`);
      assert.equal(good, n >= least && n <= most, `${where.join('.')} of ${n}`);
    }
  }
});

const PLACES = [
  { extension: '1.2.3', subject: '1.2.3', types: ['utf8'] },
  { extension: '1.2.3' },
  { extension: '1.2.3', bare: false },
  { extension: '1.2.3', bare: true, choice: true },
  { extension: '1.2.3', types: ['utf8'], split: '@', of: 2 },
  { subject: '1.2.3', bare: true },
  { subject: '1.2.3', bare: false },
  { subject: '1.2.3', choice: true },
  { subject: '1.2.3', types: ['utf8'] },
  { subject: '1.2.3', types: [] },
  { subject: '1.2.3', types: ['utf8', 'utf8'] },
  { subject: '1.2.3', types: ['teletex'] },
  { subject: '1.2.3', split: '@' },
  { subject: '1.2.3', of: 2 },
  { subject: '1.2.3', split: '@', of: 2 },
  { subject: '1.2.3', split: '@@', of: 2 },
  { subject: '1.2.3', split: '、', of: 2 },
  { subject: '1.2.3', field: 1 },
  { subject: 'CN' },
  { subject: '1' },
  { subject: '1.2.' },
  { subject: '.1.2' },
  { subject: '1..2' },
  { subject: '3.1' },
  { subject: '1.40' },
  { subject: '1.39.0' },
  { subject: '1.02.3' },
  { subject: '0.0' },
  { subject: '2' },
  { subject: '2.999' },
  { subject: `1.2.${'9'.repeat(60)}` },
  { subject: `1.2.${'9'.repeat(61)}` },
];

const RULES = [
  {},
  { subject: '2.5.4.11' },
  { subject: '2.5.4.11', equals: 'a', starts: 'a' },
  { policy: '1.2', issuer: '00'.repeat(32) },
  { policy: '1.2', equals: 'a' },
  { issuer: '00' },
  { issuer: 'AB'.repeat(32) },
  { issuer: 'zz'.repeat(32) },
  { has: {} },
  { has: { subject: '2.5.4.3' }, lacks: { subject: '2.5.4.4' } },
];

const URLS = [
  'http://a/',
  'http://a',
  'ldap://a/',
  'HTTP://a/',
  'http:///x',
  'http://:80/',
  'http://user@host/',
  'http://ho st/',
  'http://host/a b',
  'http://host/ä',
  'http://[::1]:80/x?y=z#q',
  `http://host/${'a'.repeat(500)}`,
  `http://host/${'a'.repeat(501)}`,
];

const MOMENTS = ['2030-01-01', '2030-01-01T00:00:00+08:00', '2030-01-01T00:00:00.5Z'];

test('places, rules, addresses and moments are understood alike', async () => {
  const cases = [
    ...PLACES.map((value) => [profile('name', 0), value]),
    ...RULES.map((value) => [profile('class', 'personal', 0), value]),
    ...URLS.map((url) => [revocation('ocsp', 0, 'url'), url]),
    ...MOMENTS.map((value) => [revocation('degraded', 'until'), value]),
    ...MOMENTS.map((value) => [['issued'], value]),
    [profile('class', 'enterprise'), [{ lacks: { subject: '2.5.4.11' } }]],
    [profile('extended_key_usage', 0), 'serverAuth'],
    [entry('names', 'en'), 'a\u0001'],
    [entry('names', 'en'), 'a\u007f'],
    [entry('names', 'en'), 'a\u0085'],
    [entry('id'), 'A'],
    [entry('environment'), 'staging'],
    [revocation('policy'), 'crl'],
  ];
  for (const [where, value] of cases) {
    await assertAgreed(changed(where, value), shown(where, value));
  }
  for (const policy of ['ocsp', 'ocsp-else-crl', 'crl', 'crl-else-ocsp']) {
    for (const source of ['ocsp', 'crl']) {
      for (const value of [GONE, []]) {
        const document = changed(revocation(source), value);
        document.authorities[0].revocation.policy = policy;
        await assertAgreed(document, `${policy}: ${shown([source], value)}`);
      }
    }
  }
});

test('every example of docs/trust-list.md is taken by both', async () => {
  const document = await readFile('docs/trust-list.md', 'utf8');
  const examples = [...document.matchAll(/```json\n(.*?)```/gs)].map(([, text]) =>
    JSON.parse(text),
  );
  assert.ok(examples.length >= 9);
  for (const example of examples) {
    const place = 'policy' in example ? revocation : profile;
    const whole = {
      ...base.authorities[0][place === profile ? 'profile' : 'revocation'],
      ...example,
    };
    const what = JSON.stringify(example);
    assert.equal(await assertAgreed(changed(place(), whole), what), true, what);
  }
});

// What a schema cannot say, the code does all the same.
test('what only the code can tell is taken by the schema', async () => {
  const [only] = base.authorities;
  const cases = [
    changed(['authorities', 1], only),
    changed(entry('anchors', 0), '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'),
    changed(profile('name', 0), { subject: '2.5.4.3', split: '@', field: 4, of: 4 }),
    changed(entry('names', 'zh'), '名'.repeat(43)), // 129 bytes
  ];
  for (const document of cases) {
    assert.equal(takenBySchema(document), true, JSON.stringify(takenBySchema.errors));
    assert.equal((await takenByCode(document)).good, false);
  }
});
