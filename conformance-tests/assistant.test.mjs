// The assistant from outside: what pages of other sites can do to it in a real browser (nothing),
// and its command line.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { launch } from './lib/browser.mjs';
import { request } from './lib/http.mjs';
import { isSigned } from './lib/lock-answer.mjs';
import { random } from './lib/party.mjs';
import { freePort, listens, run } from './lib/process.mjs';
import { Assistant } from './lib/assistant.mjs';
import { lockOf, openRegion } from './lib/region.mjs';

const demo = await openRegion();
const { address } = demo.assistant;
const { port } = new URL(address);
const lock = (label) => lockOf(demo, label);

let browser;
let site; // some other site, on a loopback address of its own
let seen; // the addresses that were asked of it

before(async () => {
  browser = await launch(demo);
  seen = [];
  const server = http.createServer((asked, response) => {
    seen.push(asked.url);
    response.writeHead(200, { 'Content-Type': 'text/html' });
    response.end('<!doctype html><title>elsewhere</title><p>elsewhere');
  });
  const at = await freePort('127.0.0.66');
  await new Promise((resolve) => server.listen(at, '127.0.0.66', resolve));
  site = { origin: `http://127.0.0.66:${at}`, close: () => server.close() };
});

after(async () => {
  await browser?.close();
  site?.close();
});

// Calls work(page) on a page of an origin.
async function on(origin, work) {
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    await page.goto(`${origin}/`);
    return await work(page);
  } finally {
    await context.close();
  }
}

// What a page's fetch of the assistant comes to: the status it sees, or 'failed'.
const fetchFrom = (origin, path, options) =>
  on(origin, (page) =>
    page.evaluate(
      ([url, how]) =>
        fetch(url, how).then(
          ({ status, type }) => `${type} ${status}`,
          () => 'failed',
        ),
      [`${address}${path}`, options],
    ),
  );

const JSON_CALL = {
  method: 'POST',
  headers: { 'Content-Type': 'application/json', 'X-Tamga-Agent': '1' },
  body: '{}',
};
const sent = (change = {}, path = '/status') => {
  const headers = {
    Origin: demo.issuer,
    'Content-Type': 'application/json',
    'X-Tamga-Agent': '1',
    ...change,
  };
  const kept = Object.entries(headers).filter(([, value]) => value !== undefined);
  return request(`${address}${path}`, {
    method: 'POST',
    headers: Object.fromEntries(kept),
    body: '{}',
  });
};

function assertForbidden(answer, status = 403) {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.headers['access-control-allow-origin'], undefined);
}

// --- in the browser ------------------------------------------------------------------------------------

test("the provider's own page reaches the assistant", async () => {
  assert.equal(await fetchFrom(demo.issuer, '/status', JSON_CALL), 'cors 200');
});

test("another site's page reads nothing, whatever it tries", async () => {
  for (const path of ['/status', '/certificates', '/sign']) {
    assert.equal(await fetchFrom(site.origin, path, JSON_CALL), 'failed', path);
    const simple = { method: 'POST', headers: { 'Content-Type': 'text/plain' }, body: '{}' };
    assert.equal(await fetchFrom(site.origin, path, simple), 'failed', path);
    assert.equal(await fetchFrom(site.origin, path, {}), 'failed', path);
  }
});

test("another site's blind call gets an answer that it cannot see, and does nothing", async () => {
  const blind = { method: 'POST', mode: 'no-cors', body: '{}' };
  assert.equal(await fetchFrom(site.origin, '/certificates', blind), 'opaque 0');
});

test('a form of another site is refused', async () => {
  const status = await on(site.origin, async (page) => {
    const answered = page.waitForResponse((response) => response.url().startsWith(address));
    await page.evaluate((action) => {
      const form = document.createElement('form');
      Object.assign(form, { action, method: 'post', enctype: 'text/plain' });
      document.body.append(form);
      form.submit();
    }, `${address}/certificates`);
    const response = await answered;
    return response.status();
  });
  assert.equal(status, 403);
});

test("an assistant's address cannot be visited, framed or loaded as a script", async () => {
  await on(site.origin, async (page) => {
    const loaded = await page.evaluate(
      (src) =>
        new Promise((resolve) => {
          const script = document.createElement('script');
          Object.assign(script, {
            src,
            onload: () => resolve(true),
            onerror: () => resolve(false),
          });
          document.body.append(script);
        }),
      `${address}/status`,
    );
    assert.equal(loaded, false);
    const visited = await page.goto(`${address}/certificates`);
    assert.equal(visited.status(), 405);
  });
});

// --- by hand -------------------------------------------------------------------------------------------

test("only the provider's exact Origin is heard", async () => {
  assert.equal((await sent()).status, 200);
  const strangers = [undefined, 'null', '', 'http://evil.example', `${demo.issuer}/`];
  const alike = [
    `${demo.issuer}.evil.example`,
    demo.issuer.replace('http', 'https'),
    `${demo.issuer}0`,
  ];
  for (const Origin of [...strangers, ...alike]) assertForbidden(await sent({ Origin }));
});

test('a name that was made to point here is not ours', async () => {
  for (const host of [
    `evil.example:${port}`,
    'evil.example',
    `127.0.0.1.nip.io:${port}`,
    '127.0.0.1',
  ]) {
    assertForbidden(await sent({ Host: host }));
  }
  for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`]) {
    assert.equal((await sent({ Host: host })).status, 200, host);
  }
});

test('a preflight is answered for the provider alone, without credentials or memory', async () => {
  const preflight = (Origin) =>
    request(`${address}/sign`, {
      method: 'OPTIONS',
      headers: {
        Origin,
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'content-type,x-tamga-agent',
      },
    });
  const good = await preflight(demo.issuer);
  assert.equal(good.headers['access-control-allow-origin'], demo.issuer);
  assert.equal(good.headers['access-control-allow-credentials'], undefined);
  assert.equal(good.headers['access-control-max-age'], '0');
  assert.match(good.headers.vary, /Origin/i);
  assertForbidden(await preflight(site.origin));
  assertForbidden(await preflight('null'));
});

test('what no page can send without a preflight is demanded', async () => {
  assert.equal((await sent({ 'X-Tamga-Agent': undefined })).status, 403);
  assert.equal((await sent({ 'X-Tamga-Agent': '2' })).status, 403);
  assert.equal((await sent({ 'Content-Type': 'text/plain' })).status, 415);
  assert.equal((await sent({ 'Sec-Fetch-Mode': 'navigate' })).status, 403);
  assert.equal((await sent({}, '/nothing')).status, 404);
  for (const method of ['GET', 'PUT', 'DELETE']) {
    const headers = { Origin: demo.issuer, 'X-Tamga-Agent': '1' };
    assert.equal((await request(`${address}/status`, { method, headers })).status, 405, method);
  }
});

test('a body that is too large or has other keys is refused', async () => {
  const post = (path, body) =>
    request(`${address}${path}`, {
      method: 'POST',
      headers: { Origin: demo.issuer, ...JSON_CALL.headers },
      body,
    });
  assert.equal((await post('/sign', JSON.stringify({ challenge: 'x'.repeat(9000) }))).status, 413);
  const bodies = ['', '[]', '{"x":1}', '{"challenge":1}', '{"challenge":"a","challenge":"a"}', '{'];
  for (const body of bodies) {
    const answer = await post('/sign', body);
    assert.equal(answer.status, 400, body);
    assert.equal(answer.json().error.code, 'bad_request', body);
  }
  const challenges = [
    'login',
    'login.x',
    `sign.${random(32)}`,
    `login.${random(32)}x`,
    `login ${random(32)}`,
  ];
  for (const challenge of challenges) {
    const answer = await post('/sign', JSON.stringify({ challenge, pin: '123456' }));
    assert.equal(answer.json().error.code, 'bad_challenge', challenge);
  }
});

test('the state tells nothing about the holder', async () => {
  const { version, protocol, locks, pin, ...more } = (await sent()).json();
  assert.deepEqual([version, protocol, locks, pin], ['0.1.0', 1, true, 'page']);
  assert.deepEqual(more, {});
});

test('it listens at 127.0.0.1 and ::1 and at no other address', async () => {
  assert.equal(await listens('127.0.0.1', port), true);
  assert.equal(await listens('127.0.0.67', port), false);
});

// --- the command line ------------------------------------------------------------------------------------

const command = (words, { input = '', env = {} } = {}) =>
  run(demo.assistant.program, words, { input, env: { ...demo.assistant.env, ...env } });
const withSettings = (...words) => [...words, '--settings', demo.assistant.settings];

test('list prints every lock as JSON', async () => {
  const { code, stdout, stderr } = await command(withSettings('list'));
  assert.equal(code, 0, stderr);
  const labels = JSON.parse(stdout).locks.map(({ label }) => label);
  assert.deepEqual(labels.sort(), demo.locks.map(({ label }) => label).sort());
});

test('show prints one lock, by label and by id', async () => {
  const named = await command(withSettings('show', '--lock', 'company-c-primary'));
  assert.equal(named.code, 0, named.stderr);
  const shown = JSON.parse(named.stdout);
  const id = shown.lock?.lock ?? shown.lock;
  const again = await command(withSettings('show', '--lock', id));
  assert.deepEqual(JSON.parse(again.stdout), shown);
});

for (const label of ['company-a-primary', 'company-b-primary', 'company-c-primary']) {
  test(`sign with ${label} reads the PIN from standard input and prints the answer`, async () => {
    const of = { origin: demo.issuer, challenge: `login.${random(32)}` };
    const words = ['sign', '--origin', of.origin, '--challenge', of.challenge, '--lock', label];
    const { code, stdout } = await command(withSettings(...words), {
      input: `${lock(label).pin}\n`,
    });
    assert.equal(code, 0);
    assert.equal(isSigned(JSON.parse(stdout), of), true);
  });
}

const challenge = `login.${random(32)}`;
const REFUSALS = [
  ['several_locks', ['--challenge', challenge], '123456\n'],
  ['lock_not_found', ['--challenge', challenge, '--lock', 'nothing'], '123456\n'],
  ['bad_challenge', ['--challenge', 'hash', '--lock', 'company-a-second'], '123456\n'],
  ['pin_required', ['--challenge', challenge, '--lock', 'company-a-second'], ''],
];

for (const [code, words, input] of REFUSALS) {
  test(`sign tells ${code} as JSON, in one sentence, and by exit status 1`, async () => {
    const whole = withSettings('sign', '--origin', demo.issuer, ...words);
    const ended = await command(whole, { input });
    assert.equal(ended.code, 1);
    assert.equal(JSON.parse(ended.stdout).error.code, code);
    assert.match(ended.stderr, /^tamga-assistant: [^\n]+\n$/);
  });
}

test('a wrong PIN on the command line is told with the tries that are left', async () => {
  const own = await Assistant.make(demo);
  try {
    await own.plugIn(['company-f']);
    const drivers = [
      { kind: 'skf', library: `${demo.assistant.program}/../../doubles/skf-double.so` },
    ];
    const usual = demo.assistant.program.replace(/bin\/[^/]+$/, 'doubles/skf-double.so');
    await own.write({ drivers: drivers.map((each) => ({ ...each, library: usual })) });
    const words = ['sign', '--origin', demo.issuer, '--challenge', challenge];
    const ended = await run(own.program, [...words, '--settings', own.settings], {
      env: own.env,
      input: '000000\n',
    });
    assert.equal(ended.code, 1);
    assert.deepEqual(JSON.parse(ended.stdout).error, { code: 'pin_wrong', tries_left: 9 });
    assert.ok(!ended.stdout.includes('000000') && !ended.stderr.includes('000000'));
  } finally {
    await own.close();
  }
});

test('open shows the portal in the browser and says so', async () => {
  const { code, stdout } = await command(withSettings('open'), { env: { BROWSER: '/bin/true' } });
  if (code === 0) assert.deepEqual(JSON.parse(stdout), { opened: demo.portal });
  else assert.equal(code, 1, 'a machine without a browser says so');
});

test('wrong usage is exit status 2 and tells the usage', async () => {
  const lines = [[], ['sing'], ['sign'], ['show'], ['list', '--lock'], ['list', '--pin', '123456']];
  const twice = ['show', '--lock', 'a', '--lock', 'b'];
  for (const words of [...lines, twice, ['sign', '--origin', demo.issuer, '--pin', '1']]) {
    const { code, stdout, stderr } = await command(words);
    assert.equal(code, 2, words.join(' '));
    assert.equal(stdout, '');
    assert.match(stderr, /^usage: tamga-assistant/);
  }
});

test('settings that are not as expected are told in one line with file, key and expectation', async () => {
  const own = await Assistant.make(demo);
  try {
    for (const [change, key] of [
      [{ listen: 'x' }, 'listen'],
      [{ origins: [] }, 'origins'],
      [{ origins: ['http://example.com'] }, 'origins'],
      [{ drivers: [{ kind: 'usb', library: '/x' }] }, 'drivers'],
      [{ pin: 'never' }, 'pin'],
      [{ extra: 1 }, 'extra'],
    ]) {
      await own.write(change);
      const { code, stderr } = await run(own.program, ['list', '--settings', own.settings]);
      assert.equal(code, 1, key);
      assert.match(stderr, /^tamga-assistant: [^\n]+\n$/);
      assert.ok(stderr.includes(own.settings) && stderr.includes(key), stderr);
    }
  } finally {
    await own.close();
  }
});

test('a second assistant on the same port says so and leaves', async () => {
  const { code, stderr } = await run(demo.assistant.program, withSettings('serve'), {
    env: demo.assistant.env,
  });
  assert.equal(code, 1);
  assert.match(stderr, /^tamga-assistant: [^\n]+\n$/);
  assert.ok(stderr.includes(port), stderr);
  assert.equal((await sent()).status, 200);
});
