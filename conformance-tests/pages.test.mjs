// How the pages look and behave: help, download, language, both widths, axe, and a screenshot of
// every page of portal and platform in build/screenshots/.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { Bidder, launch, REFUSED_CALL } from './lib/browser.mjs';
import { House } from './lib/house.mjs';
import { request } from './lib/http.mjs';
import { Party, pkce } from './lib/party.mjs';
import { lockOf, openRegion } from './lib/region.mjs';

const demo = await openRegion();
const lock = (label) => lockOf(demo, label);
const platformOf = (id) => demo.platforms.find((each) => each.id === id);

let browser;
let house;

before(async () => {
  house = await House.open(demo);
  await house.plugInAll();
  browser = await launch(demo);
});

after(async () => {
  await browser?.close();
  await house?.close();
});

const come = (options) => Bidder.come(browser, demo, options);

// --- help, download, language ------------------------------------------------------------------------

test('the help page answers the usual questions and tells every phone', async () => {
  const bidder = await come();
  await bidder.open('/help');
  await bidder.sees('support-phone');
  assert.equal(await bidder.text('support-phone'), '0471-000-0109');
  for (const language of ['zh', 'en']) {
    await bidder.speak(language);
    const contacts = await bidder.text('contacts');
    for (const { names, phone } of demo.authorities) {
      assert.ok(contacts.includes(names[language]) && contacts.includes(phone), names[language]);
    }
    for (const { name } of demo.platforms) assert.ok(contacts.includes(name[language]));
  }
  const questions = bidder.page.locator('details[data-testid^="question-"]');
  assert.ok((await questions.count()) >= 5);
  await questions.first().locator('summary').click();
  assert.ok((await questions.first().locator('p').first().innerText()).length > 10);
  await bidder.leave();
});

test('the download page shows the checksum of the file that is downloaded', async () => {
  const bidder = await come();
  await bidder.open('/download');
  await bidder.sees('package-debian');
  const [download] = await Promise.all([
    bidder.page.waitForEvent('download'),
    bidder.click('package-download'),
  ]);
  const bytes = await readFile(await download.path());
  const sum = createHash('sha256').update(bytes).digest('hex');
  assert.equal(await bidder.text('package-sha256'), sum);
  assert.equal(download.suggestedFilename(), await bidder.text('package-file'));
  assert.match(await bidder.text('package-version'), /^\d+\.\d+\.\d+/);
  assert.ok((await bidder.text('install-command')).includes(download.suggestedFilename()));
  const { packages } = (await request(`${demo.issuer}/api/download`)).json();
  assert.equal(packages[0].size, bytes.length);
  await bidder.leave();
});

for (const [language, first] of [
  ['zh-CN', 'zh'],
  ['en-US', 'en'],
  ['fr-FR', 'zh'],
]) {
  test(`a browser in ${language} is first spoken to in ${first}, and a choice is kept`, async () => {
    const bidder = await come({ language });
    await bidder.open('/');
    await bidder.sees('home-sign-in');
    const now = () => bidder.page.evaluate(() => document.documentElement.lang.slice(0, 2));
    assert.equal(await now(), first);
    const other = first === 'zh' ? 'en' : 'zh';
    await bidder.speak(other);
    await bidder.open('/help');
    await bidder.sees('support-phone');
    assert.equal(await now(), other);
    await bidder.leave();
  });
}

test('every page has its own title, and the menu leads to each', async () => {
  const bidder = await come();
  await bidder.open('/');
  const titles = new Set();
  for (const name of ['home', 'platforms', 'bind', 'help', 'download']) {
    await bidder.click(`nav-${name}`);
    await bidder.page.waitForURL(name === 'home' ? /\/$/ : new RegExp(`/${name}$`));
    titles.add(await bidder.page.title());
  }
  assert.equal(titles.size, 5);
  await bidder.leave();
});

test('the language of the page is that of its texts: no Chinese is left in English', async () => {
  const bidder = await come({ language: 'en-US' });
  for (const path of ['/', '/sign-in', '/bind', '/download', '/no-such-page']) {
    await bidder.open(path);
    await bidder.page.locator('h1').waitFor();
    const text = await bidder.page.locator('main').innerText();
    assert.doesNotMatch(text, /\p{Script=Han}/u, path);
  }
  await bidder.leave(REFUSED_CALL);
});

test('a page in a frame of another site is not shown', async () => {
  const bidder = await come();
  await bidder.page.goto(platformOf('hohhot').home);
  const shown = await bidder.page.evaluate(async (address) => {
    const frame = document.createElement('iframe');
    frame.src = address;
    document.body.append(frame);
    await new Promise((resolve) => (frame.onload = resolve));
    try {
      return frame.contentDocument !== null;
    } catch {
      return false;
    }
  }, `${demo.issuer}/sign-in`);
  assert.equal(shown, false);
  await bidder.leave(/frame|Framing|X-Frame-Options/i);
});

// --- every page, looked at ---------------------------------------------------------------------------

test('the pages before signing in fit both widths and are fit for everybody', async () => {
  const bidder = await come();
  const pages = [
    ['home', '/', 'home-sign-in'],
    ['platforms-visitor', '/platforms', 'platform-hohhot'],
    ['help', '/help', 'support-phone'],
    ['download', '/download', 'package-debian'],
    ['not-found', '/no-such-page', 'not-found'],
    ['bind-1-read', '/bind', 'lock-read'],
    ['sign-in-1-start', '/sign-in', 'assistant-locks'],
  ];
  for (const [name, path, handle] of pages) {
    await bidder.open(path);
    await bidder.sees(handle);
    await bidder.inspect(name);
  }
  await bidder.click('lock-read');
  await bidder.sees('lock-chooser');
  await bidder.inspect('sign-in-2-choose');
  await bidder.choice('company-a-primary').click();
  await bidder.sees('pin-input');
  await bidder.inspect('sign-in-3-pin');
  await bidder.leave(REFUSED_CALL);
});

test('the pages after signing in fit both widths and are fit for everybody', async () => {
  const bidder = await come();
  await bidder.open('/sign-in');
  await bidder.signIn(lock('company-a-primary'));
  await bidder.inspect('certificate');
  await bidder.click('continue-button');
  await bidder.sees('platform-hohhot');
  await bidder.inspect('platforms');
  await bidder.open('/');
  await bidder.sees('home-platforms');
  await bidder.inspect('home-signed-in');
  await bidder.open('/sign-in');
  await bidder.sees('already');
  await bidder.inspect('sign-in-already');
  await bidder.open('/platforms');
  await bidder.click(`platform-${platformOf('bayannur').client_id}`);
  await bidder.page.locator('[data-testid="consent-allow"]:not(:disabled)').waitFor();
  await bidder.inspect('consent');
  const { challenge: code_challenge } = pkce();
  const offline = { scope: 'openid enterprise offline_access', prompt: 'consent', code_challenge };
  await bidder.open(new Party(demo.issuer, demo.tool_client).address(offline));
  await bidder.sees('consent-offline');
  assert.match(await bidder.text('consent-offline'), /30天/);
  await bidder.inspect('consent-offline');
  await bidder.leave();
});

test('the sign-in page with the only lock plugged in fits both widths', async () => {
  await house.plugIn(['company-c-primary']);
  const bidder = await Bidder.come(browser, house);
  try {
    await bidder.open('/sign-in');
    await bidder.click('lock-read');
    await bidder.sees('pin-input');
    await bidder.inspect('sign-in-4-one-lock');
  } finally {
    await house.plugInAll();
  }
  await bidder.leave();
});

test('the binding pages fit both widths and are fit for everybody', async () => {
  const bidder = await Bidder.come(browser, house);
  await bidder.open('/bind');
  await bidder.prove(lock('company-d'), 'bind-read');
  await bidder.sees('bind-confirm');
  await bidder.inspect('bind-2-form');
  await bidder.click('bind-confirm');
  await bidder.sees('bind-missing');
  await bidder.inspect('bind-3-form-errors');
  await bidder.get('bind-field-city').selectOption('hulunbuir');
  await bidder.get('bind-field-legal_representative').fill('丁四');
  await bidder.get('bind-field-phone').fill('0470-1234567');
  await bidder.get('bind-field-address').fill('胜利大街8号');
  await bidder.get('bind-field-email').fill('d@example.com');
  await bidder.get('bind-entity-type-bidder').check();
  await bidder.click('bind-confirm');
  await bidder.sees('bind-done');
  await bidder.inspect('bind-4-done');
  await bidder.leave();
});

test('refusals fit both widths and are fit for everybody', async () => {
  const bidder = await come();
  await bidder.open('/sign-in');
  for (const label of ['company-d', 'expired', 'personal']) {
    await bidder.prove(lock(label), 'sign-in-button');
    await bidder.sees('error');
    await bidder.inspect(`refusal-${label}`);
  }
  await bidder.insert('company-c-primary');
  await bidder.click('sign-in-button');
  await bidder.sees('error');
  await bidder.inspect('refusal-pin');
  await bidder.open('/consent');
  await bidder.sees('error');
  await bidder.inspect('refusal-no-request');
  await bidder.leave(REFUSED_CALL);

  const alone = await Bidder.come(browser, house);
  await house.assistant.stop();
  try {
    await alone.open('/sign-in');
    await alone.sees('error');
    await alone.inspect('refusal-no-assistant');
  } finally {
    await house.plugInAll();
  }
  await alone.leave(/net::ERR_CONNECTION_REFUSED/);
});

test("the provider's own error page fits both widths and is fit for everybody", async () => {
  const bidder = await come();
  await bidder.page.goto(new Party(demo.issuer, { client_id: 'nobody' }).address());
  await bidder.look('error-page');
  assert.deepEqual(await bidder.axe(), []);
  await bidder.leave(REFUSED_CALL);
});

// A platform's page at its address, in both languages.
async function inspectPlatform(bidder, name, address) {
  for (const language of ['zh', 'en']) {
    const asked = new URL(address);
    asked.searchParams.set('lang', language);
    await bidder.page.goto(asked.href);
    await bidder.look(`${name}-${language}`);
    assert.deepEqual(await bidder.axe(), [], `axe on ${name} (${language})`);
  }
  const back = new URL(address);
  back.searchParams.set('lang', 'zh');
  await bidder.page.goto(back.href);
}

test("the platform's pages fit both widths and are fit for everybody", async () => {
  const bidder = await come();
  const { home, client_id } = platformOf('xilingol');
  const at = (path) => new URL(path, home).href;
  await inspectPlatform(bidder, 'platform-home', home);
  await bidder.signInAtPortal(lock('company-c-primary'));
  await bidder.click(`platform-${client_id}`);
  await bidder.click('consent-allow');
  await bidder.sees('platform-confirm');
  await inspectPlatform(bidder, 'platform-confirm', at('/confirm'));
  await bidder.click('platform-confirm');
  await bidder.sees('platform-filing-input');
  await inspectPlatform(bidder, 'platform-filing', at('/home'));
  await bidder.get('platform-filing-input').fill('赵六');
  await bidder.click('platform-filing-submit');
  await bidder.sees('platform-inside');
  await inspectPlatform(bidder, 'platform-inside', at('/home'));
  for (const language of ['zh', 'en']) {
    await bidder.page.goto(`${home}?lang=${language}`);
    await bidder.page.goto(at('/callback?state=x&error=access_denied'));
    await bidder.sees('platform-error');
    await bidder.look(`platform-error-${language}`);
    assert.deepEqual(await bidder.axe(), []);
  }
  await bidder.leave(REFUSED_CALL);
});
