// A certificate whose CN and O are markup, through every page that shows a company's name: it is text
// there, letter by letter, and nothing else (docs/security.md row 26).
import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Authority } from '../keys/authority.mjs';
import { PIN } from '../keys/locks.mjs';
import { makeKey } from '../keys/openssl.mjs';
import { profiles } from '../keys/profiles.mjs';
import { fillSkf } from '../keys/tokens.mjs';
import { checkCharacter } from '../keys/uscc.mjs';
import { Bidder, launch, REFUSED_CALL } from './lib/browser.mjs';
import { House } from './lib/house.mjs';
import { Party, pkce } from './lib/party.mjs';
import { authorityOf, openRegion } from './lib/region.mjs';

const NAME = '<img src=x onerror=alert(1)>&amp;"\'</p><script>alert(2)</script>';
const LABEL = 'markup';
const AUTHORITY = 'hongliu-sm2';

const demo = await openRegion();
const lock = { label: LABEL, pin: PIN };

let scratch;
let house;
let browser;

// A lock of a real authority of the region, for a company of that name.
async function makeLock() {
  const { names, intermediate } = authorityOf(demo, AUTHORITY);
  const authority = new Authority({
    id: AUTHORITY,
    names,
    kind: 'sm2',
    folder: path.dirname(intermediate),
  });
  const { leaf } = profiles[AUTHORITY];
  const code = '91150100MA0TEATX1';
  const uscc = `${code}${checkCharacter(code)}`;
  const folder = path.join(scratch, 'lock');
  await mkdir(folder);
  await makeKey('sm2', path.join(folder, 'sign.key'));
  const { subject, extensions } = leaf({
    class: 'enterprise',
    name: NAME,
    uscc,
    city: '呼和浩特市',
    keyNumber: 'HL-MARKUP-1',
    elsewhere: false,
  });
  await authority.issueLeaf(path.join(folder, 'sign'), { subject, extensions, days: [-10, 300] });
  await fillSkf({ label: LABEL, pin: PIN, folder, keyNumber: 'HL-MARKUP-1' }, scratch);
}

before(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), 'tamga-e2e-markup-'));
  await makeLock();
  house = await House.open(demo, '127.0.0.20');
  await house.plugIn([]);
  await cp(path.join(scratch, 'skf', LABEL), path.join(house.assistant.skf, LABEL), {
    recursive: true,
  });
  browser = await launch(demo);
});

after(async () => {
  await browser?.close();
  await house?.close();
  await rm(scratch, { recursive: true, force: true });
});

// The page at hand shows the name as it is, made no element of it and ran nothing.
async function expectText(bidder, shown) {
  assert.ok(shown.includes(NAME), shown);
  const made = await bidder.page.locator('img[src="x"], script:not([src])').count();
  assert.equal(made, 0);
  assert.deepEqual(bidder.dialogs, []);
}

async function come() {
  const bidder = await Bidder.come(browser, house);
  bidder.dialogs = [];
  bidder.page.on('dialog', (dialog) => {
    bidder.dialogs.push(dialog.message());
    return dialog.dismiss();
  });
  return bidder;
}

test('a company whose name is markup is bound, and the pages show its name as text', async () => {
  const bidder = await come();
  await bidder.open('/bind');
  await bidder.prove(lock, 'bind-read');
  await bidder.sees('bind-confirm');
  await expectText(bidder, await bidder.text('certificate-name'));
  await bidder.get('bind-field-city').selectOption('hohhot');
  await bidder.get('bind-field-legal_representative').fill(NAME.slice(0, 28));
  await bidder.get('bind-field-phone').fill('0471-1234567');
  await bidder.get('bind-field-address').fill('新华大街1号');
  await bidder.get('bind-field-email').fill('office@example.com');
  await bidder.get('bind-entity-type-bidder').check();
  await bidder.click('bind-confirm');
  await bidder.sees('bind-done');
  await expectText(bidder, await bidder.text('bind-done'));
  await bidder.leave();
});

test('so do the pages after signing in, and the refusal that names the company', async () => {
  const bidder = await come();
  await bidder.open('/sign-in');
  await bidder.signIn(lock);
  await expectText(bidder, await bidder.text('certificate-name'));
  await bidder.click('continue-button');
  await bidder.sees('platform-search');
  await expectText(bidder, await bidder.page.locator('body').innerText());
  await bidder.open('/bind');
  await bidder.prove(lock, 'bind-read');
  const told = await bidder.refusal();
  assert.equal(told.code, 'lock.already_bound');
  await expectText(bidder, told.zh.message);
  await expectText(bidder, told.en.message);
  await bidder.leave(REFUSED_CALL);
});

test('so does the page that asks for consent', async () => {
  const bidder = await come();
  const client = await house.provider.addClient({
    'client_name#en': NAME,
    'client_name#zh-CN': NAME,
  });
  await bidder.open('/sign-in');
  await bidder.signIn(lock);
  await bidder.page.goto(
    new Party(house.issuer, client).address({ code_challenge: pkce().challenge }),
  );
  await bidder.sees('consent-allow');
  await expectText(bidder, await bidder.page.locator('body').innerText());
  await bidder.leave();
});
