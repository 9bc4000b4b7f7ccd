// A bidder at a real browser: Chromium, headless, which can reach loopback addresses and nothing
// else. What a page must not do (break its own policy, log an error, ask the outside world) is
// watched on every page and told by checkQuiet().
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { ROOT } from './process.mjs';

const CHROMIUM = process.env.TAMGA_CHROMIUM ?? '/usr/bin/chromium';
const SCREENSHOTS = path.join(ROOT, 'build/screenshots');
const WAIT_MS = 15e3;
const WIDE = { width: 1280, height: 900 };
const NARROW = { width: 360, height: 740 };
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

// demo: the servers of this region are believed by their very keys, and no others.
export function launch(demo) {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      '--no-sandbox',
      `--ignore-certificate-errors-spki-list=${demo.key_hashes.join(',')}`,
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.*, EXCLUDE localhost, EXCLUDE [::1]',
    ],
  });
}

// A refused call is an answer to the page; Chromium writes a line about each all the same.
const REFUSED_CALL = /^Failed to load resource: the server responded with a status of 4\d\d/;

function watch(page, complaints) {
  page.on('console', (message) => {
    if (message.type() !== 'error' && message.type() !== 'warning') return;
    complaints.push({ kind: message.type(), text: message.text(), at: page.url() });
  });
  page.on('pageerror', (error) => {
    complaints.push({ kind: 'exception', text: String(error), at: page.url() });
  });
  page.on('request', (request) => {
    const { protocol, hostname } = new URL(request.url());
    const near = hostname.startsWith('127.') || !protocol.startsWith('http');
    if (!near) complaints.push({ kind: 'outside', text: request.url(), at: page.url() });
  });
}

// Someone with a browser profile of their own; `language` is the browser's.
export class Bidder {
  static async come(browser, demo, { language = 'zh-CN', permissions = [] } = {}) {
    const bidder = new Bidder();
    bidder.demo = demo;
    bidder.complaints = [];
    bidder.context = await browser.newContext({ locale: language, viewport: WIDE, permissions });
    bidder.context.setDefaultTimeout(WAIT_MS);
    bidder.context.on('page', (page) => watch(page, bidder.complaints));
    bidder.page = await bidder.context.newPage();
    return bidder;
  }

  // Leaves, unless something was amiss that none of `expected` describes.
  async leave(...expected) {
    await this.context.close();
    this.checkQuiet(...expected);
  }

  checkQuiet(...expected) {
    const known = (text) => expected.some((pattern) => pattern.test(text));
    assert.deepEqual(
      this.complaints.filter(({ text }) => !known(text)),
      [],
    );
  }

  get(handle) {
    return this.page.getByTestId(handle);
  }

  click(handle) {
    return this.get(handle).click();
  }

  async text(handle) {
    return (await this.get(handle).innerText()).trim();
  }

  sees(handle) {
    return this.get(handle).first().waitFor({ state: 'visible' });
  }

  open(address) {
    return this.page.goto(new URL(address, this.demo.issuer).href);
  }

  // zh or en, by the page's own button.
  async speak(language) {
    const now = await this.page.evaluate(() => document.documentElement.lang.slice(0, 2));
    if (now !== language) await this.click('language-switch');
    await this.page.locator(`html[lang^="${language}"]`).waitFor({ state: 'attached' });
  }

  // --- locks -----------------------------------------------------------------------------------

  choice(label) {
    const exact = new RegExp(`[：:] ?${label}$`);
    return this.page.locator('label.lock', { has: this.page.getByText(exact) });
  }

  // Reads the locks and chooses one where there are several.
  async insert(label) {
    await this.click('lock-read');
    await this.choice(label).click();
    await this.sees('pin-input');
  }

  // Chooses a lock and types its PIN on the page at hand; `button` is the page's own.
  async prove(lock, button, pin = lock.pin) {
    await this.insert(lock.label);
    await this.get('pin-input').fill(pin);
    await this.click(button);
  }

  // On the sign-in page: to the certificate page.
  async signIn(lock) {
    await this.prove(lock, 'sign-in-button');
    await this.sees('continue-button');
  }

  // From nothing to signed in at the portal, on the platforms page.
  async signInAtPortal(lock) {
    await this.open('/sign-in');
    await this.signIn(lock);
    await this.click('continue-button');
    await this.sees('platform-search');
  }

  // --- refusals --------------------------------------------------------------------------------

  // The refusal that the page shows, in both languages: {code, zh: {message, next}, en: {…}}.
  async refusal() {
    await this.sees('error');
    const told = { code: await this.text('error-code') };
    for (const language of ['zh', 'en']) {
      await this.speak(language);
      told[language] = {
        message: await this.text('error-message'),
        next: (await this.get('error-next').count()) > 0 ? await this.text('error-next') : '',
        whole: await this.text('error'),
      };
    }
    return told;
  }

  // --- looking at pages --------------------------------------------------------------------------

  // What axe calls serious or critical on the page at hand.
  async axe() {
    if (!(await this.page.evaluate(() => 'axe' in window))) await this.page.evaluate(AXE);
    const { violations } = await this.page.evaluate(() =>
      window.axe.run(document, { resultTypes: ['violations'] }),
    );
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`);
  }

  // What a page looks like now, at both widths: screenshots, no sideways scrolling.
  async look(name) {
    mkdirSync(SCREENSHOTS, { recursive: true });
    for (const size of [NARROW, WIDE]) {
      await this.page.setViewportSize(size);
      const wider = await this.page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      assert.ok(wider <= 0, `${name} is ${wider} px too wide at ${size.width}`);
      const file = path.join(SCREENSHOTS, `${name}-${size.width}.png`);
      await this.page.screenshot({ path: file, fullPage: true, animations: 'disabled' });
    }
  }

  // The page at hand in both languages and widths, and by axe.
  async inspect(name) {
    for (const language of ['zh', 'en']) {
      await this.speak(language);
      await this.look(`${name}-${language}`);
      assert.deepEqual(await this.axe(), [], `axe on ${name} (${language})`);
    }
    await this.speak('zh');
  }
}

export { REFUSED_CALL };
