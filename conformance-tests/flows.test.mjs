// What a bidding company does, in a real browser: bind, sign in at the portal and at platforms, sign
// out. What stands in the way is in refusals.test.mjs, how the pages look in pages.test.mjs.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { formFor, prove } from '../demo/bind.mjs';
import { Bidder, launch, REFUSED_CALL } from './lib/browser.mjs';
import { House } from './lib/house.mjs';
import { newVisitor, Party } from './lib/party.mjs';
import { lockOf, openRegion } from './lib/region.mjs';

const demo = await openRegion();
const lock = (label) => lockOf(demo, label);
const platformOf = (id) => demo.platforms.find((each) => each.id === id);

let browser;
let house; // where companies are bound, so that the region's stay unbound

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
const comeToHouse = (options) => Bidder.come(browser, house, options);

// --- 1 binding ---------------------------------------------------------------------------------------

const FORM = {
  legal_representative: '法人甲',
  phone: '0471-1234567',
  address: '新华大街1号',
  email: 'office@example.com',
};

async function fillForm(bidder, form = FORM) {
  await bidder.get('bind-field-city').selectOption('hohhot');
  for (const [field, text] of Object.entries(form))
    await bidder.get(`bind-field-${field}`).fill(text);
  await bidder.get('bind-entity-type-bidder').check();
  await bidder.get('bind-entity-type-supplier').check();
}

for (const label of ['company-e', 'company-d', 'company-f']) {
  const { key_type: kind, company, uscc } = lock(label);

  test(`a company with an unbound ${kind} lock binds it, signs in, and is not bound twice`, async () => {
    const bidder = await comeToHouse();
    await bidder.open('/');
    await bidder.click('home-bind');
    await bidder.prove(lock(label), 'bind-read');
    await bidder.sees('bind-confirm');
    assert.equal(await bidder.text('certificate-name'), company);
    assert.equal(await bidder.text('certificate-uscc'), uscc);
    assert.equal(
      await bidder.page.locator('input[value*="9115"], input[value*="1215"]').count(),
      0,
    );
    await fillForm(bidder);
    await bidder.click('bind-confirm');
    await bidder.sees('bind-done');
    assert.ok((await bidder.text('bind-done')).includes(company));

    await bidder.click('bind-sign-in');
    await bidder.signIn(lock(label));
    assert.equal(await bidder.text('certificate-name'), company);

    await bidder.open('/bind');
    await bidder.prove(lock(label), 'bind-read');
    const told = await bidder.refusal();
    assert.equal(told.code, 'lock.already_bound');
    assert.ok(told.zh.message.includes(company) && told.en.message.includes(company));
    assert.match(told.zh.next, /登录/);
    assert.match(told.en.next, /sign in/i);
    await bidder.click('error-action-sign-in');
    await bidder.sees('already');
    await bidder.leave(REFUSED_CALL);
  });
}

test('another lock of a company that is bound is told to be activated by the first', async () => {
  const bidder = await come();
  await bidder.open('/bind');
  await bidder.prove(lock('company-a-second'), 'bind-read');
  const told = await bidder.refusal();
  assert.equal(told.code, 'lock.uscc_has_lock');
  assert.ok(told.zh.message.includes(lock('company-a-second').uscc));
  assert.match(told.zh.next, /已绑定的那把锁.*激活/);
  assert.match(told.en.next, /lock that is bound.*activate/);
  await bidder.sees('error-action-sign-in');
  await bidder.leave(REFUSED_CALL);
});

test('the form tells at each field what is wrong, and keeps what is right', async () => {
  const bidder = await comeToHouse();
  await bidder.open('/bind');
  await bidder.prove(lock('company-b-primary'), 'bind-read');
  await bidder.sees('bind-confirm');
  await bidder.click('bind-confirm');
  const fields = ['city', 'legal_representative', 'phone', 'address', 'entity_types', 'email'];
  for (const language of ['zh', 'en']) {
    await bidder.speak(language);
    assert.match(await bidder.text('bind-missing'), /6/);
    for (const field of fields) {
      assert.ok((await bidder.text(`bind-${field}-error`)).length > 3, field);
    }
  }
  await fillForm(bidder, { ...FORM, phone: '12', email: 'nobody' });
  await bidder.click('bind-confirm');
  await bidder.sees('bind-phone-error');
  await bidder.sees('bind-email-error');
  assert.equal(await bidder.get('bind-city-error').count(), 0);
  assert.equal(await bidder.get('bind-field-address').inputValue(), FORM.address);
  await bidder.get('bind-again').click();
  await bidder.sees('lock-read');
  await bidder.leave();
});

test('the provider itself refuses each field that is wrong, by its name', async () => {
  const visitor = await newVisitor(house.issuer);
  const { assistant } = house;
  const answer = await prove(visitor, assistant, lock('company-b-primary'), 'bind');
  await visitor.post('/api/bind/read', { answer });
  const good = await formFor(visitor, lock('company-b-primary'));
  const wrong = [
    ['city', 'nowhere'],
    ['legal_representative', '  '],
    ['phone', '12'],
    ['phone', '0471-<b>12345'],
    ['address', ''],
    ['email', 'a@b'],
    ['email', 'a@b.cn,c@d.cn'],
    ['entity_types', []],
    ['entity_types', ['bidder', 'bidder']],
    ['entity_types', ['king']],
  ];
  for (const [field, value] of wrong) {
    const { error } = (await visitor.raw('/api/bind/confirm', { ...good, [field]: value })).json();
    assert.equal(error.code, 'form.invalid', `${field} ${value}`);
    assert.equal(error.facts.field, field);
    assert.ok(error.message.zh.includes(error.facts.label_zh));
    assert.ok(error.message.en.includes(error.facts.label_en));
  }
  const { error } = (await visitor.raw('/api/bind/confirm', { ...good, uscc: 'x' })).json();
  assert.equal(error.code, 'request.shape', 'the certificate cannot be typed over');
});

test('nothing is bound without having read a lock in the same session', async () => {
  const reader = await newVisitor(house.issuer);
  const other = await newVisitor(house.issuer);
  const answer = await prove(reader, house.assistant, lock('company-b-primary'), 'bind');
  await reader.post('/api/bind/read', { answer });
  const form = await formFor(other, lock('company-b-primary'));
  const { error } = (await other.raw('/api/bind/confirm', form)).json();
  assert.equal(error.code, 'binding.gone');
});

// --- 2 from the portal -------------------------------------------------------------------------------

// The platform's side after consent, for a company that files there for the first time.
async function confirmAndFile(bidder, company, contact = '张三') {
  await bidder.sees('platform-confirm');
  assert.equal(await bidder.text('platform-company'), company);
  await bidder.click('platform-confirm');
  await bidder.get('platform-filing-input').fill(contact);
  await bidder.click('platform-filing-submit');
  await bidder.sees('platform-inside');
}

for (const [label, group, id] of [
  ['company-a-primary', 'west', 'ulanqab'],
  ['company-b-primary', 'east', 'chifeng'],
  ['company-c-primary', 'regional', 'land'],
]) {
  const { key_type: kind, company, uscc, authority } = lock(label);
  const platform = platformOf(id);

  test(`with a ${kind} lock: PIN, certificate, platform, consent, confirmation, inside`, async () => {
    const bidder = await come();
    await bidder.open('/');
    await bidder.click('home-sign-in');
    await bidder.signIn(lock(label));
    const names = demo.authorities.find((each) => each.id === authority).names;
    assert.equal(await bidder.text('certificate-name'), company);
    assert.equal(await bidder.text('certificate-uscc'), uscc);
    assert.equal(await bidder.text('certificate-authority'), names.zh);
    assert.match(await bidder.text('certificate-role'), /主锁/);
    await bidder.click('continue-button');

    await bidder.sees('platform-search');
    const tile = bidder.get(`group-${group}`).getByTestId(`platform-${platform.client_id}`);
    await tile.click();
    await bidder.sees('consent-allow');
    assert.equal(await bidder.text('client-name'), platform.name.zh);
    assert.equal(await bidder.text('client-host'), new URL(platform.home).host);
    assert.ok((await bidder.text('claim-uscc')).includes(uscc));
    assert.ok((await bidder.text('claim-name')).includes(company));
    assert.equal(await bidder.get('claim-email').count(), 0);
    await bidder.click('consent-allow');
    await confirmAndFile(bidder, company);

    // The next time: consent, because the portal sent them, and no more filing.
    await bidder.click('platform-logout');
    await bidder.sees('platform-sign-in');
    await bidder.open('/platforms');
    await bidder.click(`platform-${platform.client_id}`);
    await bidder.click('consent-allow');
    await bidder.click('platform-confirm');
    await bidder.sees('platform-inside');
    await bidder.leave();
  });
}

test('who is not signed in may look at the platforms and is sent to sign in', async () => {
  const bidder = await come();
  await bidder.open('/platforms');
  await bidder.sees('sign-in-first');
  await bidder.click('platform-hohhot');
  await bidder.sees('lock-read');
  await bidder.leave();
});

test('a platform that has not joined is shown as such and cannot be entered', async () => {
  const bidder = await come();
  await bidder.open('/platforms');
  const tile = bidder.get('platform-erenhot');
  for (const [language, words] of [
    ['zh', '尚未接入'],
    ['en', 'Not joined yet'],
  ]) {
    await bidder.speak(language);
    assert.equal((await tile.innerText()).trim(), words);
    assert.equal(await tile.isDisabled(), true);
  }
  await bidder.leave();
});

test('the platforms are found by part of their names', async () => {
  const bidder = await come();
  await bidder.open('/platforms');
  await bidder.get('platform-search').fill('乌海');
  await bidder.sees('platform-wuhai');
  assert.equal(await bidder.get('platform-hohhot').count(), 0);
  await bidder.leave();
});

// --- 3 from a platform -------------------------------------------------------------------------------

async function fileHere(bidder) {
  await bidder.get('platform-filing-input').fill('李四');
  await bidder.click('platform-filing-submit');
  await bidder.sees('platform-inside');
}

test('from a platform: lock, consent, inside; a second one asks consent only, the first nothing', async () => {
  const bidder = await come();
  const [first, second] = [platformOf('tongliao'), platformOf('hulunbuir')];
  await bidder.page.goto(first.home);
  await bidder.click('platform-sign-in');
  await bidder.sees('sign-in-platform');
  assert.equal(await bidder.text('client-name'), first.name.zh);
  await bidder.signIn(lock('company-a-primary'));
  await bidder.click('continue-button');
  await bidder.click('consent-allow');
  await fileHere(bidder);
  assert.equal(await bidder.text('platform-uscc'), lock('company-a-primary').uscc);

  await bidder.page.goto(second.home);
  await bidder.click('platform-sign-in');
  await bidder.click('consent-allow');
  await fileHere(bidder);

  await bidder.page.goto(first.home + 'home');
  await bidder.click('platform-logout');
  await bidder.click('platform-sign-in');
  await bidder.sees('platform-inside');
  await bidder.leave();
});

test('who refuses consent is told by the platform itself, in its own words', async () => {
  const bidder = await come();
  await bidder.page.goto(platformOf('wuhai').home);
  await bidder.click('platform-sign-in');
  await bidder.signIn(lock('company-c-primary'));
  await bidder.click('continue-button');
  await bidder.click('consent-deny');
  await bidder.sees('platform-error');
  assert.equal(new URL(bidder.page.url()).origin, new URL(platformOf('wuhai').home).origin);
  assert.match(await bidder.text('platform-error'), /没有同意授权/);
  await bidder.leave(REFUSED_CALL);
});

test('signing out at the portal ends it for the platforms that ask next', async () => {
  const bidder = await come();
  await bidder.signInAtPortal(lock('company-b-primary'));
  assert.equal(await bidder.text('enterprise-name'), lock('company-b-primary').company);
  await bidder.click('sign-out');
  await bidder.get('signed-in-header').waitFor({ state: 'detached' });
  await bidder.page.goto(platformOf('baotou').home);
  await bidder.click('platform-sign-in');
  await bidder.sees('lock-read');
  await bidder.leave();
});

test('a session that was ended elsewhere is told, and the way back is one button', async () => {
  const bidder = await come();
  await bidder.signInAtPortal(lock('company-b-primary'));
  const other = await bidder.context.newPage();
  await other.goto(`${demo.issuer}/platforms`);
  await other.getByTestId('sign-out').click();
  await other.getByTestId('signed-in-header').waitFor({ state: 'detached' });
  await bidder.click('platform-hohhot');
  await bidder.sees('error');
  await bidder.sees('session-ended');
  await bidder.leave(REFUSED_CALL);
});

test("a request that was begun in another browser is nobody's here", async () => {
  const stranger = await newVisitor(demo.issuer);
  const { challenge } = { challenge: 'A'.repeat(43) };
  const party = new Party(demo.issuer, platformOf('hohhot'));
  const { location } = await party.ask(stranger, { code_challenge: challenge });
  const bidder = await come();
  await bidder.page.goto(location.href);
  const told = await bidder.refusal();
  assert.equal(told.code, 'interaction.gone');
  assert.match(told.zh.next, /回到交易平台/);
  assert.match(told.en.next, /Go back to the platform/);
  await bidder.leave(REFUSED_CALL);
});

// --- by keyboard alone -------------------------------------------------------------------------------

// Presses Tab until the element with the handle has the focus.
async function tabTo(bidder, handle) {
  const has = () =>
    bidder.page.evaluate((id) => document.activeElement?.dataset.testid === id, handle);
  await bidder.page.locator(`[data-testid="${handle}"]:not(:disabled)`).waitFor();
  for (let i = 0; i < 60; i++) {
    if (await has()) return;
    await bidder.page.keyboard.press('Tab');
  }
  throw new Error(`${handle} is not reached by Tab`);
}

async function pressOn(bidder, handle, key = 'Enter') {
  await tabTo(bidder, handle);
  await bidder.page.keyboard.press(key);
}

test('the whole way into a platform can be gone with the keyboard alone', async () => {
  const bidder = await come();
  const { keyboard } = bidder.page;
  await bidder.page.goto(platformOf('hinggan').home);
  await pressOn(bidder, 'platform-sign-in');
  await bidder.sees('lock-read');
  await pressOn(bidder, 'lock-read');
  const choices = bidder.page.locator('label.lock input');
  await choices.first().waitFor();
  await tabTo(bidder, await choices.first().getAttribute('data-testid'));
  await keyboard.press('Space');
  const chosen = bidder.page.locator('.lock-chosen');
  const wanted = bidder.choice('company-b-primary');
  for (let i = 0; i < 25 && !(await wanted.locator('input').isChecked()); i++) {
    await keyboard.press('ArrowDown');
    await chosen.waitFor();
  }
  await tabTo(bidder, 'pin-input');
  await keyboard.type(lock('company-b-primary').pin);
  await keyboard.press('Enter');
  await bidder.sees('continue-button');
  await pressOn(bidder, 'continue-button');
  await pressOn(bidder, 'consent-allow');
  await bidder.sees('platform-filing-input');
  await tabTo(bidder, 'platform-filing-input');
  await keyboard.type('王五');
  await keyboard.press('Enter');
  await bidder.sees('platform-inside');
  await bidder.leave();
});
