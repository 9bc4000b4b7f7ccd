// What operators do with a running provider: end it under load, renew its certificate, turn its log.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFile, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import tls from 'node:tls';
import { trust } from '../demo/https.mjs';
import { makeCertificate } from './lib/certificate.mjs';
import { request } from './lib/http.mjs';
import { Nginx } from './lib/nginx.mjs';
import { freePort, listens, run, until } from './lib/process.mjs';
import { Provider, providerProgram } from './lib/provider.mjs';
import { openRegion } from './lib/region.mjs';

const demo = await openRegion();
const ADDRESS = '127.0.0.6';

const open = [];
after(() => Promise.all(open.map((house) => house.close())));

async function serve(options) {
  const house = await Provider.make(demo, { address: ADDRESS, ...options });
  open.push(house);
  return house.start();
}

// What the provider logged of this event.
const logged = (house, event) =>
  house
    .log()
    .split('\n')
    .filter((line) => line.includes(`"event":"${event}"`))
    .map((line) => JSON.parse(line));

const nextLogged = (house, event, before) =>
  until(() => logged(house, event)[before], `${event} in the log`);

// --- SIGTERM ---------------------------------------------------------------------------------------

// Asks on and on until nobody listens any more: how each answer came.
async function load(issuer, agent, answers) {
  const asked = [
    { path: '/oauth2/jwks' },
    { path: '/oauth2/introspect', method: 'POST', body: 'token=x' },
    { path: '/.well-known/openid-configuration' },
  ];
  for (let i = 0; ; i += 1) {
    const { path: where, ...how } = asked[i % asked.length];
    const headers = how.body ? { 'Content-Type': 'application/x-www-form-urlencoded' } : {};
    try {
      const { status, headers: got } = await request(`${issuer}${where}`, {
        ...how,
        headers,
        agent,
      });
      answers.push({ status, connection: got.connection });
    } catch (error) {
      if (error.code === 'ECONNREFUSED') return;
      answers.push({ error });
    }
  }
}

test('SIGTERM under load: every request is answered, the last ones end their connections', async () => {
  const house = await serve({
    change: (settings) => (settings.operate = { drain_ms: 400, stop_ms: 5000 }),
  });
  const answers = [];
  const agents = Array.from({ length: 8 }, () => new http.Agent({ keepAlive: true }));
  const loads = agents.map((agent) => load(house.issuer, agent, answers));
  await until(() => answers.length > 200, 'some answers');
  const before = answers.length;
  const stopped = house.stop();
  await until(() => answers[before + 50], 'answers while it drains');
  assert.equal(await listens(ADDRESS, house.port), true); // it still lets everybody in
  const { code } = await stopped;
  await Promise.all(loads);
  agents.forEach((agent) => agent.destroy());
  assert.equal(code, 0, house.log());
  assert.deepEqual(
    answers.filter(({ error }) => error),
    [],
  );
  assert.deepEqual([...new Set(answers.map(({ status }) => status))].sort(), [200, 401]);
  assert.ok(answers.slice(-20).every(({ connection }) => connection === 'close'));
});

// A request that has begun and does not end.
async function lingering(house) {
  const socket = net.connect({ host: ADDRESS, port: house.port });
  await once(socket, 'connect');
  socket.on('error', () => {});
  socket.write('POST /oauth2/token HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nx');
  return socket;
}

test('what does not end is waited for no longer than the settings say', async () => {
  const house = await serve({
    change: (settings) => (settings.operate = { drain_ms: 0, stop_ms: 200 }),
  });
  const socket = await lingering(house);
  const cut = once(socket, 'close');
  const { code } = await house.stop();
  assert.equal(code, 0, house.log());
  await cut;
});

test('a second SIGTERM ends the waiting at once', async () => {
  const house = await serve({
    change: (settings) => (settings.operate = { drain_ms: 60000, stop_ms: 120000 }),
  });
  const socket = await lingering(house);
  const cut = once(socket, 'close');
  const first = house.stop();
  await nextLogged(house, 'stopping', 0);
  house.stop();
  assert.equal((await first).code, 0, house.log());
  assert.equal(logged(house, 'stopping_at_once').length, 1);
  await cut;
});

// --- proxies ---------------------------------------------------------------------------------------

async function behindNginx(houses) {
  const folder = await mkdtemp(path.join(tmpdir(), 'tamga-nginx-'));
  const proxy = await Nginx.make(folder);
  trust(proxy.ca);
  await proxy.start(houses.map(({ port }) => `${ADDRESS}:${port}`));
  after(async () => {
    await proxy.stop();
    await rm(folder, { recursive: true, force: true });
  });
  return proxy;
}

const PROXIES = (settings) => {
  settings.listen.proxies = ['127.0.0.1'];
  settings.operate = { drain_ms: 3000, stop_ms: 5000 };
  settings.rate_limits.token_failures_per_minute = 0;
};

// POSTs, each a moment after the one before, until told to end: what came.
async function keepPosting(origin, agent, answers, isOver) {
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
  while (!isOver()) {
    const how = { method: 'POST', headers, agent, body: 'token=x' };
    const answer = await request(`${origin}/oauth2/introspect`, how).catch((error) => ({ error }));
    answers.push(answer.error ?? answer.status);
    await setTimeout(5 * Math.random());
  }
}

test('a rolling restart behind nginx fails no POST', async () => {
  const houses = [await serve({ change: PROXIES }), await serve({ change: PROXIES })];
  const proxy = await behindNginx(houses);
  const answers = [];
  let over = false;
  const agent = new https.Agent({ keepAlive: true, ca: proxy.ca });
  const loads = Array.from({ length: 6 }, () =>
    keepPosting(proxy.origin, agent, answers, () => over),
  );
  for (const house of [...houses, ...houses]) {
    await until(() => answers.length > 100, 'answers');
    assert.equal((await house.stop()).code, 0, house.log());
    await house.start();
  }
  over = true;
  await Promise.all(loads);
  agent.destroy();
  const failed = answers.filter((status) => status !== 401);
  assert.deepEqual([failed.length, failed.slice(0, 3)], [0, []]);
});

test('who asks through the proxy is who asks; what is said beside that changes nothing', async () => {
  const house = await serve({ change: PROXIES });
  const proxy = await behindNginx([house]);
  const headers = {
    Host: 'evil.example',
    'X-Forwarded-For': '203.0.113.9',
    'X-Forwarded-Host': 'evil.example',
    'X-Forwarded-Proto': 'gopher',
    Forwarded: 'for=203.0.113.9;host=evil.example;proto=gopher',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  };
  const checkServerIdentity = () => undefined; // Node would compare with the header above
  const agent = new https.Agent({ ca: proxy.ca, localAddress: '127.0.0.77', checkServerIdentity });
  const ask = (where) => request(`${proxy.origin}${where}`, { headers, agent });
  const discovery = (await ask('/.well-known/openid-configuration')).json();
  assert.equal(discovery.issuer, house.issuer);
  for (const value of Object.values(discovery)) {
    assert.ok(typeof value !== 'string' || value.startsWith(house.issuer), value);
  }
  const line = await until(() => logged(house, 'request').find(({ trace }) => trace), 'a line');
  assert.equal(line.address, '127.0.0.77');
  assert.equal(line.proxy, '127.0.0.1');
  assert.equal(line.trace, '0af7651916cd43dd8448eb211c80319c');
});

// --- what operators ask ----------------------------------------------------------------------------

async function serveWithOperate(more = {}) {
  const port = await freePort();
  const house = await serve({
    ...more,
    change: (settings) => (settings.operate = { port, drain_ms: 0, ...more.operate }),
  });
  const ask = (where) => request(`http://127.0.0.1:${port}${where}`);
  await until(async () => (await ask('/healthz')).status === 200, 'the second listener');
  return { house, ask, port };
}

test('readyz turns when the program is told to end, while it still serves everybody', async () => {
  const { house, ask } = await serveWithOperate({ operate: { drain_ms: 60000 } });
  const before = await ask('/readyz');
  assert.equal(before.status, 200);
  assert.equal(before.headers['content-type'], 'application/json');
  assert.deepEqual(Object.values(before.json().parts), Array(7).fill('well'));
  const stopped = house.stop();
  const turned = await until(async () => {
    const answer = await ask('/readyz');
    return answer.status === 503 && answer;
  }, 'readyz to turn');
  assert.equal(turned.json().ready, false);
  assert.equal(turned.json().parts.server, 'is draining');
  assert.equal((await ask('/healthz')).status, 200);
  const answer = await request(`${house.issuer}/oauth2/jwks`);
  assert.deepEqual([answer.status, answer.headers.connection], [200, 'close']);
  house.stop();
  assert.equal((await stopped).code, 0);
});

test('what operators ask is not on the port for everybody, nor the other way round', async () => {
  const { house, ask } = await serveWithOperate();
  for (const where of ['/healthz', '/readyz', '/metrics']) {
    const { headers } = await request(`${house.issuer}${where}`); // the page that knows no such path
    assert.notEqual(headers['content-type'], 'application/json');
    assert.notEqual(headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
  }
  assert.equal((await ask('/oauth2/jwks')).status, 404);
  assert.equal((await ask('/')).status, 404);
});

test('a port for operators that is in use is told, before a store is made', async () => {
  const { port } = await serveWithOperate();
  const second = await Provider.make(demo, {
    address: ADDRESS,
    change: (settings) => (settings.operate = { port }),
  });
  const { code, stderr } = await run(providerProgram(), ['serve', '--settings', second.settings]);
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`^tamga-idp: .*${port}`, 'm'));
  await assert.rejects(readFile(path.join(second.folder, 'store', 'tamga.db')));
  await rm(second.folder, { recursive: true, force: true });
});

const BASE = /^(.+)_(bucket|sum|count)$/;

// What stands in a label's quotes, by the format's three escapes.
const unescape = (text) => text.replace(/\\(.)/g, (_, c) => (c === 'n' ? '\n' : c));

function labelsOf(text) {
  const labels = {};
  let rest = text;
  while (rest !== '') {
    const [whole, name, value] = /^([a-z_]+)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/.exec(rest) ?? [];
    assert.ok(whole, `labels: ${rest}`);
    assert.ok(!(name in labels), `a label twice: ${text}`);
    labels[name] = unescape(value);
    rest = rest.slice(whole.length);
  }
  return labels;
}

// The text format 0.0.4, read strictly: families in one piece, each with help and type, no sample
// twice. {families: Map of name to {type, samples: [{name, labels, value}]}}
function parseMetrics(text) {
  assert.ok(text.endsWith('\n'));
  const families = new Map();
  const seen = new Set();
  let family;
  for (const line of text.slice(0, -1).split('\n')) {
    const [, help] = /^# HELP ([a-z_]+) .+$/.exec(line) ?? [];
    const [, typed, type] = /^# TYPE ([a-z_]+) (counter|gauge|histogram)$/.exec(line) ?? [];
    if (help) {
      assert.ok(!families.has(help), `${help} in two pieces`);
      family = { name: help, samples: [] };
      families.set(help, family);
    } else if (typed) {
      assert.equal(typed, family.name);
      assert.equal(family.type, undefined);
      family.type = type;
    } else {
      const [, name, , labels = '', value] =
        /^([a-z_]+)(\{(.*)\})? (-?\d+(?:\.\d+)?(?:e[+-]\d+)?)$/.exec(line) ?? [];
      assert.ok(name, `no sample: ${line}`);
      const base = family.type === 'histogram' ? BASE.exec(name)?.[1] : name;
      assert.equal(base, family.name, line);
      assert.ok(!seen.has(`${name}{${labels}}`), `twice: ${line}`);
      seen.add(`${name}{${labels}}`);
      family.samples.push({ name, labels: labelsOf(labels), value: Number(value) });
    }
  }
  return families;
}

// Buckets rise with their bounds, up to +Inf, which is the count.
function assertHistogram({ name, samples }) {
  const groups = new Map();
  for (const sample of samples) {
    const { le: _, ...rest } = sample.labels;
    const key = JSON.stringify(rest);
    groups.set(key, [...(groups.get(key) ?? []), sample]);
  }
  for (const group of groups.values()) {
    const buckets = group.filter((sample) => sample.name === `${name}_bucket`);
    const bounds = buckets.map(({ labels }) => Number(labels.le.replace('+Inf', 'Infinity')));
    assert.deepEqual(
      bounds,
      [...bounds].sort((a, b) => a - b),
    );
    assert.equal(bounds.at(-1), Infinity);
    buckets.reduce((before, { value }) => (assert.ok(value >= before), value), 0);
    const count = group.find((sample) => sample.name === `${name}_count`);
    assert.equal(buckets.at(-1).value, count.value);
    assert.ok(group.some((sample) => sample.name === `${name}_sum`));
  }
}

test('metrics are as Prometheus reads them, and count what happened', async () => {
  const { house, ask } = await serveWithOperate({ tls: true });
  const posted = { method: 'POST', body: 'token=x' };
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
  for (let i = 0; i < 3; i += 1) await request(`${house.issuer}/oauth2/jwks`);
  await request(`${house.issuer}/oauth2/introspect`, { ...posted, headers });
  const value = (families, name, labels) =>
    families
      .get(name)
      .samples.find((sample) =>
        Object.entries(labels).every(([key, text]) => sample.labels[key] === text),
      )?.value;
  const families = await until(async () => {
    const answer = await ask('/metrics');
    assert.equal(answer.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
    const read = parseMetrics(answer.text);
    const refused = { path: '/oauth2/introspect', method: 'POST', status: '4xx' };
    return value(read, 'tamga_http_requests_total', refused) === 1 && read;
  }, 'the last request to be counted');
  const jwks = { path: '/oauth2/jwks', method: 'GET' };
  assert.equal(value(families, 'tamga_http_requests_total', { ...jwks, status: '2xx' }), 3);
  for (const family of families.values()) {
    assert.equal(family.name.endsWith('_total'), family.type === 'counter', family.name);
    if (family.type === 'histogram') assertHistogram(family);
  }
  const days = value(families, 'tamga_expires_days', { kind: 'certificate' });
  assert.ok(days > 1.9 && days < 2.1, `${days}`);
  assert.equal(value(families, 'tamga_generation_stale', {}), 0);
  assert.ok(value(families, 'tamga_store_calls_total', { store: 'sql' }) > 0);
  assert.equal(families.get('tamga_authority_circuit_open').samples.length, 3);
});

test('a certificate that ends in two days is an error in the log', async () => {
  const { house } = await serveWithOperate({ tls: true });
  const { kind, days, level } = await nextLogged(house, 'expires_soon', 0);
  assert.deepEqual([kind, level], ['certificate', 'error']);
  assert.ok(days === 1 || days === 2, `${days}`);
});

// --- SIGHUP ----------------------------------------------------------------------------------------

// The name in the certificate that a new connection is shown.
function shownName({ port }) {
  return new Promise((resolve, reject) => {
    const options = { host: ADDRESS, port, rejectUnauthorized: false };
    const socket = tls.connect(options, () => {
      resolve(socket.getPeerCertificate().subject.CN);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

async function hangUp(house) {
  const before = logged(house, 'reloaded').length;
  house.program.child.kill('SIGHUP');
  return nextLogged(house, 'reloaded', before);
}

test('SIGHUP shows new connections the new certificate, and keeps the old if that is no good', async () => {
  const house = await serve({ tls: true });
  const probe = `${house.issuer}/oauth2/jwks`;
  assert.equal((await request(probe)).status, 200);
  assert.equal(await shownName(house), 'tls');
  const fresh = await makeCertificate(house.folder, ADDRESS, { name: 'fresh', days: 9 });
  await copyFile(fresh.file, house.tls.file);
  const mixed = await hangUp(house);
  assert.equal(mixed.certificate, 'kept');
  assert.match(logged(house, 'not_reloaded')[0].reason, /tls\.key: is the key of another/);
  assert.equal(await shownName(house), 'tls');
  await copyFile(fresh.key, house.tls.key);
  const { certificate, certificate_ends } = await hangUp(house);
  assert.equal(certificate, 'read');
  assert.ok(certificate_ends > Date.now() / 1000 + 8 * 86400);
  assert.equal(await shownName(house), 'fresh');
});

test('SIGHUP takes over the level of the log, and nothing else of the settings', async () => {
  const house = await serve();
  const probe = `${house.issuer}/oauth2/jwks`;
  const settings = JSON.parse(await readFile(house.settings, 'utf8'));
  const rewrite = (more) => writeFile(house.settings, JSON.stringify({ ...settings, ...more }));
  const count = () => logged(house, 'request').length;
  await request(probe);
  await until(() => count() > 0, 'a line');
  await rewrite({ log: { level: 'error' }, issuer: 'http://127.0.0.1:1' });
  await house.program.child.kill('SIGHUP');
  await until(async () => {
    const before = count();
    await request(probe);
    await request(probe);
    return count() === before;
  }, 'silence');
  const { issuer } = (await request(`${house.issuer}/.well-known/openid-configuration`)).json();
  assert.equal(issuer, house.issuer);
  await writeFile(house.settings, '{');
  await house.program.child.kill('SIGHUP');
  await nextLogged(house, 'not_reloaded', 0);
  await rewrite({});
  assert.equal((await hangUp(house)).log_level, 'read');
  const before = count();
  await request(probe);
  await until(() => count() > before, 'lines again');
});

test('SIGHUP opens the log anew, so that it can be turned', async () => {
  const house = await serve({
    change: (settings) => (settings.log = { level: 'info', file: path.join('logs.json') }),
  });
  const file = path.join(house.folder, 'logs.json');
  const lines = (text) =>
    text
      .split('\n')
      .filter((line) => line !== '')
      .map(JSON.parse);
  await request(`${house.issuer}/oauth2/jwks`);
  const has = (event) => async () => (await readFile(file, 'utf8')).includes(`"${event}"`);
  await until(has('request'), 'the line of the last request');
  await rename(file, `${file}.1`);
  house.program.child.kill('SIGHUP');
  await until(has('reloaded'), 'a new file');
  await request(`${house.issuer}/oauth2/jwks`);
  const fresh = await until(async () => {
    const text = await readFile(file, 'utf8');
    return text.includes('"request"') && text.endsWith('\n') && text;
  }, 'a line in it');
  // Jobs of the node write lines of their own in between.
  const [reloaded] = lines(fresh).filter(({ event }) => event === 'reloaded');
  assert.equal(reloaded.log_file, 'reopened');
  const old = lines(await readFile(`${file}.1`, 'utf8')).map(({ event }) => event);
  assert.ok(old.includes('request'));
  assert.ok(!old.includes('reloaded'));
});
