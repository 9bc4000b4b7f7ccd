// Keys are replaced while two nodes serve and clients keep their key sets: nobody meets a token that
// a set cannot verify which may still be kept, and nobody's token or secret is lost.
import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { request } from './lib/http.mjs';
import { decode } from './lib/jwt.mjs';
import { Party, signedIn } from './lib/party.mjs';
import { Postgres } from './lib/postgres.mjs';
import { built, freePort, run, start, until } from './lib/process.mjs';
import { Provider, providerProgram } from './lib/provider.mjs';
import { lockOf, openRegion } from './lib/region.mjs';
import { Valve } from './lib/valve.mjs';

const demo = await openRegion();
const { assistant } = demo;
const company = lockOf(demo, 'company-c-primary');
const ADDRESS = '127.0.0.9';
const ALGORITHMS = ['ES256', 'RS256'];
const CACHE_S = 2;
const ID_TOKEN_S = 30;
const PAUSE_MS = 20; // so that others get something of the machine
const PATIENCE_MS = 60e3;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const nowSeconds = () => Date.now() / 1000;

let folder;
let valve; // between the second node and the database
let nodes;
let clients; // of both algorithms
let keeper;
let load;
const open = [];

// --- the installation --------------------------------------------------------------------------------

async function openDatabase() {
  const postgres = await (await Postgres.make(path.join(folder, 'postgres'))).start();
  open.push(() => postgres.stop());
  await postgres.create('tamga');
  valve = await Valve.open(postgres.port);
  open.push(() => valve.close());
  const sql_password_file = await postgres.passwordFile(path.join(folder, 'password'));
  const uri = postgres.uri('tamga');
  return [uri, uri.replace(`:${postgres.port}/`, `:${valve.port}/`)].map((sql) => ({
    sql,
    sql_password_file,
    kv: 'memory:',
  }));
}

const masterFile = (name) => path.join(folder, `${name}.key`);

async function makeNode(store) {
  const node = await Provider.make(demo, {
    address: ADDRESS,
    change: (settings) => {
      settings.store = store;
      settings.master_key_file = masterFile('first');
      settings.master_key_file_next = masterFile('next');
      settings.lifetimes = { jwks_cache_s: CACHE_S, id_token_s: ID_TOKEN_S };
      settings.keys = { clock_margin_s: 2, rotate_days: 0 };
      const limits = ['challenge', 'authorize', 'token_failures', 'sign_in', 'per_client'];
      settings.rate_limits = Object.fromEntries(limits.map((name) => [`${name}_per_minute`, 0]));
    },
  });
  open.push(() => node.close());
  return node;
}

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tamga-e2e-'));
  await chmod(folder, 0o755); // PostgreSQL is somebody else
  for (const name of ['first', 'next'])
    await writeFile(masterFile(name), randomBytes(32).toString('hex'), { mode: 0o600 });
  const stores = await openDatabase();
  nodes = [await makeNode(stores[0]), await makeNode(stores[1])];
  await Provider.join(...nodes);
  const migrated = await run(providerProgram(), ['migrate', '--settings', nodes[0].settings]);
  assert.equal(migrated.code, 0, migrated.stderr);
  await Promise.all(nodes.map((node) => node.start())); // at once, on an empty database
  await nodes[0].bind(assistant, [company]);
  await beginLoad();
});

after(async () => {
  for (const each of open.reverse()) await each();
  await rm(folder, { recursive: true, force: true });
});

const runKeys = (words, settings = nodes[0].settings) =>
  run(built('bin/tamgactl'), ['--settings', settings, 'keys', ...words]);

// tamgactl keys WORDS: what it answered.
async function keys(...words) {
  const { code, stdout, stderr } = await runKeys(words);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

// --- clients that keep key sets ------------------------------------------------------------------------

// Every set that was handed out: {at, until, text, kids, node}, in seconds by our clock. It may be
// used until then, counted from when it was asked for (RFC 9111 section 4.2.3).
class Keeper {
  constructor() {
    this.sets = [];
    this.verifiers = new Map();
    this.running = nodes.map((node, i) => this.keep(node, i));
  }

  async keep(node, i) {
    while (!this.over) {
      await this.fetch(node, i);
      await pause(150);
    }
  }

  async fetch(node, i) {
    const at = nowSeconds();
    const answer = await request(`${node.issuer}/oauth2/jwks`).catch(() => undefined);
    if (answer?.status !== 200) return;
    const said = answer.headers['cache-control'];
    const maxAge = Number(/^public, max-age=(\d+)$/.exec(said)?.[1] ?? 0);
    assert.ok(maxAge > 0 || said === 'no-cache', said);
    const kids = answer.json().keys.map(({ kid }) => kid);
    this.sets.push({ at, until: at + maxAge, text: answer.text, kids, node: i });
  }

  // What may be kept at a moment, each text once.
  keptAt(moment) {
    const texts = this.sets.filter((set) => set.until > moment).map(({ text }) => text);
    return [...new Set(texts)];
  }

  verifier(text) {
    if (!this.verifiers.has(text)) this.verifiers.set(text, createLocalJWKSet(JSON.parse(text)));
    return this.verifiers.get(text);
  }

  async verifyWithAll(token) {
    const kept = this.keptAt(nowSeconds());
    for (const text of kept) await jwtVerify(token, this.verifier(text));
    return kept.length;
  }

  // The newest set of a node.
  newest(i) {
    return this.sets.findLast(({ node }) => node === i);
  }

  async stop() {
    this.over = true;
    await Promise.all(this.running);
  }
}

// --- load ------------------------------------------------------------------------------------------------

// Signs a company in at a node again and again, with clients of both algorithms; each ID token is
// verified with every set that may be kept when it arrives.
class Load {
  static async begin(keeper, clients) {
    const load = new Load();
    Object.assign(load, { keeper, clients, tokens: [], refused: [], verified: 0, failures: [] });
    load.running = nodes.map((node, i) => load.keepOn(node, i));
    return load;
  }

  async keepOn(node, i) {
    let visitor;
    while (!this.over) {
      try {
        visitor ??= await signedIn(node.issuer, assistant, company);
        for (const client of this.clients) await this.once(node, i, visitor, client);
      } catch (error) {
        this.note(error, i);
        visitor = undefined;
      }
      await pause(PAUSE_MS);
    }
  }

  async once(node, i, visitor, client) {
    const { id_token } = await new Party(node.issuer, client).tokens(visitor);
    const { header, payload } = decode(id_token);
    this.verified += await this.keeper.verifyWithAll(id_token);
    this.tokens.push({
      node: i,
      kid: header.kid,
      alg: header.alg,
      exp: payload.exp,
      at: nowSeconds(),
    });
  }

  // A node that is cut off or starts anew refuses; a token that cannot be verified is a failure.
  note(error, i) {
    if (error.code?.startsWith?.('ERR_J')) this.failures.push(error);
    else this.refused.push({ node: i, at: nowSeconds(), error });
  }

  // Waits until a node has signed with the key.
  signedBy(i, kid) {
    const has = () => this.tokens.some((token) => token.node === i && token.kid === kid);
    return until(has, `node ${i} to sign with ${kid}`, PATIENCE_MS);
  }

  async stop() {
    this.over = true;
    await Promise.all(this.running);
    assert.deepEqual(this.failures, []);
    assert.ok(this.verified > 100, `${this.verified} verifications`);
  }
}

// Whoever asked for the keys at any time got those of all tokens that were still alive.
function assertServedWhileAlive(keeper, load) {
  for (const { at, kids } of keeper.sets) {
    const alive = load.tokens.filter((token) => token.at < at && token.exp > at);
    for (const { kid } of alive) assert.ok(kids.includes(kid), `${kid} is missing`);
  }
}

async function clientsOf(node) {
  const add = (alg) =>
    node.addClient({ client_id: `with-${alg.toLowerCase()}`, id_token_signed_response_alg: alg });
  return [await add('ES256'), await add('RS256')];
}

async function beginLoad() {
  clients = await clientsOf(nodes[0]);
  keeper = new Keeper();
  load = await Load.begin(keeper, clients);
  open.push(async () => {
    load.over = true;
    keeper.over = true;
    await Promise.all([...load.running, ...keeper.running]);
  });
}

// --- a platform on librp -----------------------------------------------------------------------------

async function openPlatform(node) {
  const port = await freePort(ADDRESS);
  const redirect_uri = `http://${ADDRESS}:${port}/callback`;
  const client = await node.addClient({ client_id: 'on-librp', redirect_uris: [redirect_uri] });
  const file = path.join(folder, 'platform.json');
  const own = { address: ADDRESS, port, phone: '0471-0000000', portal: `${node.issuer}/` };
  const name = { zh: '平台', en: 'Platform' };
  const platform = { id: 'on-librp', name, data: folder, ...own, ...client };
  await writeFile(file, JSON.stringify({ issuer: node.issuer, platforms: [platform] }));
  const program = start(built('bin/tamga-platform'), ['serve', '--settings', file]);
  open.push(() => program.stop());
  const url = `http://${ADDRESS}:${port}`;
  await until(async () => (await request(`${url}/`)).status === 200, url);
  return { url, program };
}

// Signs somebody in there, as a browser would: what the platform said in the end.
async function signInAt(platform, node) {
  const visitor = await signedIn(node.issuer, assistant, company);
  const begun = await request(`${platform.url}/login`);
  const Cookie = begun.headers['set-cookie'].map((line) => line.split(';')[0]).join('; ');
  const { location } = await visitor.visit(begun.location);
  const interaction = location.searchParams.get('interaction');
  const back = interaction
    ? (await visitor.post('/api/consent', { interaction, decision: 'allow' })).location
    : location.href;
  return request(back, { headers: { Cookie } });
}

// --- signing keys ------------------------------------------------------------------------------------------

let platform;
let platformBegan;
const firstKids = [];

test('both nodes began at once with the same keys', async () => {
  const [one, other] = await Promise.all(
    nodes.map(async ({ issuer }) => (await request(`${issuer}/oauth2/jwks`)).text),
  );
  assert.equal(one, other);
  firstKids.push(...JSON.parse(one).keys.map(({ kid }) => kid));
  assert.equal(firstKids.length, 2);
  platform = await openPlatform(nodes[0]);
  const { status, location } = await signInAt(platform, nodes[0]);
  assert.equal(status, 303, platform.program.output());
  assert.equal(location.pathname, '/home');
  platformBegan = nowSeconds();
});

test('keys change twice, and no token meets a kept set that lacks its key', async () => {
  for (let round = 0; round < 2; round++) {
    const fresh = [];
    for (const alg of ALGORITHMS) fresh.push((await keys('rotate', alg)).kid);
    for (const kid of fresh) await Promise.all([0, 1].map((i) => load.signedBy(i, kid)));
    assert.deepEqual(load.failures, []);
  }
});

test('a node that loses the database neither signs nor lets its set be kept', async () => {
  valve.shut();
  const shutAt = nowSeconds();
  const { kid } = await keys('rotate', 'ES256'); // the second node does not hear of it
  await load.signedBy(0, kid);
  const answer = await request(`${nodes[1].issuer}/oauth2/jwks`);
  assert.equal(answer.status, 503, answer.text);
  assert.equal(answer.headers['retry-after'], '1');
  const own = (i) => load.tokens.filter(({ node, at }) => node === i && at > shutAt + 3);
  assert.ok(own(0).length > 0);
  assert.deepEqual(own(1), []);
  valve.reopen();
  await load.signedBy(1, kid);
  await until(() => keeper.newest(1).kids.includes(kid), 'the second node to serve it');
});

test('a key is removed when the last token it signed has expired, and not before', async () => {
  const gone = () => [0, 1].every((i) => !keeper.newest(i).kids.some((k) => firstKids.includes(k)));
  await until(gone, 'the first keys to be removed', PATIENCE_MS);
  const last = Math.max(...load.tokens.filter((t) => firstKids.includes(t.kid)).map((t) => t.exp));
  assert.ok(nowSeconds() > last);
  assertServedWhileAlive(keeper, load);
});

test('a platform on librp that has the keys of the beginning reads them again', async () => {
  await until(() => nowSeconds() > platformBegan + 31, 'librp to ask again', PATIENCE_MS);
  const { status, location } = await signInAt(platform, nodes[0]);
  assert.equal(status, 303, platform.program.output());
  assert.equal(location.pathname, '/home');
});

// --- the other keys -----------------------------------------------------------------------------------------

// Access tokens of both nodes, which both nodes have to know.
async function accessTokens() {
  const [client] = clients;
  const made = nodes.map(async ({ issuer }) => {
    const visitor = await signedIn(issuer, assistant, company);
    return (await new Party(issuer, client).tokens(visitor)).access_token;
  });
  return Promise.all(made);
}

async function assertKnownEverywhere(tokens) {
  for (const { issuer } of nodes)
    for (const token of tokens)
      assert.equal(await new Party(issuer, clients[0]).isActive(token), true);
}

test('keys of every purpose change, and tokens, sessions and secrets stay good', async () => {
  const before = load.refused.length;
  const tokens = await accessTokens();
  for (const purpose of ['token', 'cookie', 'secret', 'refresh', 'document']) {
    await keys('rotate', purpose);
    tokens.push(...(await accessTokens()));
  }
  await assertKnownEverywhere(tokens);
  assert.equal(load.refused.length, before, String(load.refused.at(-1)?.error));
});

async function changeMasterKeys(node, first, next) {
  const settings = JSON.parse(await readFile(node.settings, 'utf8'));
  settings.master_key_file = masterFile(first);
  if (next) settings.master_key_file_next = masterFile(next);
  else delete settings.master_key_file_next;
  await writeFile(node.settings, JSON.stringify(settings));
}

test('wrapping the keys anew may be killed at any moment', async () => {
  for (let i = 0; i < 8; i++) {
    const program = start(built('bin/tamgactl'), [
      '--settings',
      nodes[0].settings,
      'keys',
      'rewrap',
    ]);
    await pause(Math.random() * 120);
    await program.stop('SIGKILL');
    const { signing, purposes } = await keys('list');
    assert.ok(signing.length >= 2 && purposes.length >= 5);
  }
  assert.deepEqual(load.failures, []);
});

test('the master key changes, and nobody notices', async () => {
  const before = load.refused.length;
  const tokens = await accessTokens();
  const done = await keys('rewrap');
  assert.equal((await keys('list')).master_key.in_use, done.master_key);
  await assertKnownEverywhere(tokens);
  assert.equal(load.refused.length, before, String(load.refused.at(-1)?.error));

  const strange = path.join(folder, 'strange.json');
  await writeFile(strange, await readFile(nodes[0].settings));
  await changeMasterKeys({ settings: strange }, 'first');
  const { code, stderr } = await runKeys(['list'], strange);
  assert.equal(code, 1);
  assert.match(stderr, /is not the master key/);

  for (const node of [...nodes].reverse()) {
    await changeMasterKeys(node, 'next');
    await node.restart();
  }
  await assertKnownEverywhere(tokens);
  const { kid } = await keys('rotate', 'ES256');
  await Promise.all([0, 1].map((i) => load.signedBy(i, kid)));
});

test('a key that got out ends at once', async () => {
  const [token] = await accessTokens();
  const before = keeper.newest(0).kids;
  const { kid, replaces, breaks } = await keys('replace-now', 'RS256');
  assert.match(breaks, /ID tokens signed until now/);
  for (const { issuer } of nodes) {
    const kids = (await request(`${issuer}/oauth2/jwks`)).json().keys.map((key) => key.kid);
    assert.ok(kids.includes(kid) && !kids.includes(replaces));
    assert.ok(before.includes(replaces));
  }
  await keys('replace-now', 'token');
  for (const { issuer } of nodes)
    assert.equal(await new Party(issuer, clients[0]).isActive(token), false);
});

test('what was signed under load could be verified by everybody', async () => {
  // By force, clients that kept a set were left behind: what was signed since does not count.
  load.failures = load.failures.filter(({ code }) => code !== 'ERR_JWKS_NO_MATCHING_KEY');
  await load.stop();
  await keeper.stop();
});
