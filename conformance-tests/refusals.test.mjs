// Everything that can stand in a bidder's way with these locks, assistants and authorities: each
// with its own code, its own text and its own next step, in Chinese and in English.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { signIn } from '../demo/bind.mjs';
import { standIn } from './lib/assistant.mjs';
import { Bidder, launch, REFUSED_CALL } from './lib/browser.mjs';
import { beginningOf, endOf, revokedOn } from './lib/facts.mjs';
import { House } from './lib/house.mjs';
import { Party } from './lib/party.mjs';
import { authorityOf, lockOf, misbehave, openRegion } from './lib/region.mjs';

const SUPPORT = '0471-000-0109';
const UNAVAILABLE = /server responded with a status of 503/;
const UNREACHED = /net::ERR_CONNECTION_REFUSED/;
const HAN = /\p{Script=Han}/u;

const demo = await openRegion();
const lock = (label) => lockOf(demo, label);
const issuerOf = (label) => authorityOf(demo, lock(label).authority);

let browser;
let house; // company-c is bound there; which locks are plugged in is each test's business

before(async () => {
  house = await House.open(demo);
  await house.plugInAll();
  for (const label of ['company-a-primary', 'company-b-primary', 'company-c-primary']) {
    await house.bind(label);
  }
  browser = await launch(demo);
});

after(async () => {
  await browser?.close();
  await house?.close();
});

const come = (options) => Bidder.come(browser, demo, options);
const comeToHouse = (options) => Bidder.come(browser, house, options);

// Every text is in its language, and the two tell the same facts.
function assertTold(told, { code, facts = [], zh, en, next_zh: nextZh, next_en: nextEn }) {
  assert.equal(told.code, code);
  assert.match(told.zh.message, HAN);
  assert.match(told.zh.next, HAN);
  for (const { zh: inChinese, en: inEnglish } of facts) {
    assert.ok(told.zh.whole.includes(inChinese), `${inChinese} in ${told.zh.whole}`);
    assert.ok(told.en.whole.includes(inEnglish), `${inEnglish} in ${told.en.whole}`);
  }
  assert.match(told.zh.message, zh);
  assert.match(told.en.message, en);
  if (nextZh) assert.match(told.zh.next, nextZh);
  if (nextEn) assert.match(told.en.next, nextEn);
}

const both = (text) => ({ zh: text, en: text });
const named = (label) => issuerOf(label).names;
const phoned = (label) => both(issuerOf(label).phone);

// --- the lock itself ---------------------------------------------------------------------------------

const LOCKS = {
  'company-d': () => ({
    code: 'lock.not_bound',
    zh: /尚未.*绑定/,
    en: /not bound/,
    next_zh: /绑定/,
    next_en: /[Bb]ind/,
    button: 'error-action-bind',
  }),
  'company-a-second': () => ({
    code: 'lock.uscc_has_lock',
    facts: [both(lock('company-a-second').uscc)],
    zh: /已绑定/,
    en: /already bound/,
    next_zh: /激活/,
    next_en: /activate/,
    button: 'error-action-sign-in',
  }),
  'company-b-other-ca': () => ({
    code: 'lock.other_authority',
    facts: [both(lock('company-b-other-ca').uscc), named('company-b-other-ca'), both(SUPPORT)],
    zh: /另一家/,
    en: /another authority/,
    button: 'error-action-call',
  }),
  personal: () => ({
    code: 'lock.personal',
    zh: /个人锁/,
    en: /personal lock/,
    next_zh: /企业锁/,
    next_en: /enterprise lock/,
  }),
  'legal-person': () => ({
    code: 'lock.legal_person',
    zh: /法人锁/,
    en: /legal/,
    next_zh: /企业锁/,
    next_en: /enterprise lock/,
  }),
  expired: () => ({
    code: 'lock.expired',
    facts: [both(endOf(lock('expired'))), named('expired'), phoned('expired')],
    zh: /过期/,
    en: /expired/,
    button: 'error-action-call',
  }),
  'not-yet-valid': () => ({
    code: 'lock.not_yet_valid',
    facts: [both(beginningOf(lock('not-yet-valid'))), phoned('not-yet-valid')],
    zh: /尚未生效/,
    en: /not valid yet/,
    button: 'error-action-call',
  }),
  revoked: () => ({
    code: 'lock.revoked',
    facts: [both(revokedOn(demo, lock('revoked'))), named('revoked'), phoned('revoked')],
    zh: /吊销/,
    en: /revoked/,
    button: 'error-action-call',
  }),
  'on-hold': () => ({
    code: 'lock.on_hold',
    facts: [both(revokedOn(demo, lock('on-hold'))), named('on-hold'), phoned('on-hold')],
    zh: /冻结/,
    en: /on hold/,
    button: 'error-action-call',
  }),
  'unknown-ca': () => ({
    code: 'lock.authority_unknown',
    zh: /不认可/,
    en: /not recognised/,
    next_zh: /帮助/,
    next_en: /help/,
  }),
  'other-region': () => ({
    code: 'lock.other_region',
    facts: [named('other-region'), phoned('other-region')],
    zh: /只认可在本地区/,
    en: /only locks issued in this region/,
  }),
  'no-uscc': () => ({
    code: 'lock.no_uscc',
    facts: [both(SUPPORT)],
    zh: /运营人员核验营业执照/,
    en: /operator has to see the business licence/,
    button: 'error-action-call',
  }),
  'wrong-uscc': () => ({
    code: 'lock.uscc_check',
    facts: [{ zh: '统一社会信用代码', en: 'redit code' }, phoned('wrong-uscc')],
    zh: /校验码/,
    en: /check character/,
    button: 'error-action-call',
  }),
};

for (const [label, expected] of Object.entries(LOCKS)) {
  const { code } = expected();
  test(`the lock ${label} is refused with ${code}, why and what to do`, async () => {
    const bidder = await come();
    await bidder.open('/sign-in');
    await bidder.prove(lock(label), 'sign-in-button');
    assertTold(await bidder.refusal(), expected());
    const { button } = expected();
    if (button) await bidder.sees(button);
    await bidder.leave(REFUSED_CALL);
  });
}

test('the same locks are refused with the same reasons when they are to be bound', async () => {
  const bidder = await come({ language: 'en-GB' });
  await bidder.open('/bind');
  for (const label of ['personal', 'expired', 'revoked', 'unknown-ca', 'no-uscc']) {
    await bidder.prove(lock(label), 'bind-read');
    await bidder.page
      .locator('[data-testid="error-code"]', { hasText: LOCKS[label]().code })
      .waitFor();
  }
  await bidder.leave(REFUSED_CALL);
});

test('the button of a lock that is not bound leads to binding', async () => {
  const bidder = await come();
  await bidder.open('/sign-in');
  await bidder.prove(lock('company-d'), 'sign-in-button');
  await bidder.click('error-action-bind');
  await bidder.page.waitForURL('**/bind');
  await bidder.leave(REFUSED_CALL);
});

test('the number that a refusal offers to call is a telephone link', async () => {
  const bidder = await come();
  await bidder.open('/sign-in');
  await bidder.prove(lock('expired'), 'sign-in-button');
  const href = await bidder.get('error-action-call').getAttribute('href');
  assert.equal(href, `tel:${issuerOf('expired').phone.replace(/[^\d+]/g, '')}`);
  await bidder.leave(REFUSED_CALL);
});

// --- the assistant and the PIN -------------------------------------------------------------------------

const SM2 = 'company-c-primary';

async function withOneLock() {
  await house.plugIn([SM2]);
  const bidder = await comeToHouse();
  await bidder.open('/sign-in');
  return bidder;
}

// Reads the only lock, types a PIN, asks for the signature.
async function trySingle(bidder, pin = lock(SM2).pin) {
  if ((await bidder.get('pin-input').count()) === 0) await bidder.click('lock-read');
  await bidder.get('pin-input').fill(pin);
  await bidder.click('sign-in-button');
}

// The issuing authority's number, beside what only it can mend.
async function assertAuthorityPhones(bidder) {
  const phones = await bidder.text('authority-phones');
  for (const id of ['aobao-rsa', 'baihua-p256', 'hongliu-sm2']) {
    assert.ok(phones.includes(authorityOf(demo, id).phone), id);
  }
}

test('an assistant that does not run is told with how to start and where to get it', async () => {
  await house.assistant.stop();
  const bidder = await comeToHouse();
  await bidder.open('/sign-in');
  assertTold(await bidder.refusal(), {
    code: 'assistant.not_running',
    zh: /没有连接到证书助手/,
    en: /cannot be reached/,
    next_zh: /启动/,
    next_en: /start it/,
  });
  await bidder.click('error-action-download');
  await bidder.sees('package-debian');
  await bidder.leave(UNREACHED);
});

test('an assistant that was started meanwhile is found by trying again', async () => {
  await house.assistant.stop();
  const bidder = await comeToHouse();
  await bidder.open('/sign-in');
  await bidder.sees('error');
  await house.plugIn([SM2]);
  await bidder.click('error-action-retry');
  await trySingle(bidder);
  await bidder.sees('continue-button');
  await bidder.leave(UNREACHED);
});

test('an assistant that is too old is told with both versions and where to get a new one', async () => {
  await house.assistant.stop();
  const status = { version: '0.0.9', protocol: 1, locks: true, pin: 'page' };
  const old = await standIn(house.assistant.port, house.issuer, status);
  try {
    const bidder = await comeToHouse();
    await bidder.open('/sign-in');
    assertTold(await bidder.refusal(), {
      code: 'assistant.too_old',
      facts: [both('0.0.9'), both('0.1.0')],
      zh: /版本过低/,
      en: /too old/,
      next_zh: /下载/,
      next_en: /[Dd]ownload/,
    });
    await bidder.sees('error-action-download');
    await bidder.leave();
  } finally {
    await old.close();
  }
});

test('an assistant that does not list this site is told as such', async () => {
  await house.plugIn([SM2], { change: { origins: ['http://127.0.0.9:1'] } });
  const bidder = await comeToHouse();
  await bidder.open('/sign-in');
  assertTold(await bidder.refusal(), {
    code: 'assistant.forbidden',
    zh: /不接受本网站/,
    en: /does not accept this site/,
    next_zh: /网址/,
    next_en: /address/,
  });
  await bidder.leave(/CORS policy/, /net::ERR_FAILED/, REFUSED_CALL);
});

test('a wrong PIN is told with the tries that are left, and the right one still works', async () => {
  const bidder = await withOneLock();
  await trySingle(bidder, '000000');
  const told = await bidder.refusal();
  assertTold(told, {
    code: 'assistant.pin_wrong',
    facts: [both('9')],
    zh: /还可以再试 9 次/,
    en: /9 tries are left/,
    next_zh: /签发机构/,
    next_en: /issuing CA/,
  });
  await assertAuthorityPhones(bidder);
  await trySingle(bidder, '000001');
  await bidder.page.getByText('8 次').or(bidder.page.getByText('8 tries')).first().waitFor();
  assert.equal(await bidder.get('pin-input').inputValue(), '', 'the PIN does not stay');
  await trySingle(bidder);
  await bidder.sees('continue-button');
  await bidder.leave(REFUSED_CALL);
});

test('an empty PIN is asked for and costs no try', async () => {
  const bidder = await withOneLock();
  await trySingle(bidder, '');
  const told = await bidder.refusal();
  assertTold(told, { code: 'assistant.pin_required', zh: /请输入/, en: /enter/ });
  await trySingle(bidder, '000000');
  await bidder.page.getByText('9 次').or(bidder.page.getByText('9 tries')).first().waitFor();
  await bidder.leave(REFUSED_CALL);
});

test('a blocked PIN is told with who can unblock it', async () => {
  const bidder = await withOneLock();
  await house.assistant.fault('pin_blocked');
  await trySingle(bidder);
  assertTold(await bidder.refusal(), {
    code: 'assistant.pin_blocked',
    zh: /已被锁定/,
    en: /blocked/,
    next_zh: /签发这把锁的CA机构/,
    next_en: /CA that issued this lock/,
  });
  await assertAuthorityPhones(bidder);
  await bidder.leave(REFUSED_CALL);
});

test('no lock is told with the driver, another computer and the authority, in this order', async () => {
  const bidder = await withOneLock();
  await house.assistant.fault('no_lock');
  await bidder.click('lock-read');
  const told = await bidder.refusal();
  assertTold(told, { code: 'assistant.no_lock', zh: /没有读到/, en: /No CA lock was found/ });
  assert.match(told.zh.next, /驱动[\s\S]*换一台电脑[\s\S]*CA机构/);
  assert.match(told.en.next, /driver[\s\S]*another computer[\s\S]*CA that issued/);
  await assertAuthorityPhones(bidder);
  await house.assistant.mend('no_lock');
  await bidder.click('error-action-retry');
  await trySingle(bidder);
  await bidder.sees('continue-button');
  await bidder.leave(REFUSED_CALL);
});

test('a lock that was pulled out half-way is told, and read again', async () => {
  const bidder = await withOneLock();
  await bidder.click('lock-read');
  await bidder.sees('pin-input');
  await house.assistant.fault('removed');
  await trySingle(bidder);
  const told = await bidder.refusal();
  assert.ok(['assistant.removed', 'assistant.no_lock'].includes(told.code), told.code);
  assert.match(told.zh.next, /插/);
  assert.match(told.en.next, /[Pp]lug/);
  assert.equal(await bidder.get('pin-input').count(), 0, 'the lock is not shown any more');
  await house.assistant.mend('removed');
  await bidder.click('lock-read');
  await trySingle(bidder);
  await bidder.sees('continue-button');
  await bidder.leave(REFUSED_CALL);
});

test('several locks are shown to choose from, and none is chosen for the bidder', async () => {
  await house.plugIn(['company-c-primary', 'company-f']);
  const bidder = await comeToHouse();
  await bidder.open('/sign-in');
  await bidder.click('lock-read');
  await bidder.sees('lock-chooser');
  assert.equal(await bidder.page.locator('label.lock').count(), 2);
  assert.equal(await bidder.page.locator('label.lock input:checked').count(), 0);
  assert.equal(await bidder.get('sign-in-button').count(), 0);
  await bidder.choice('company-c-primary').click();
  await trySingle(bidder);
  await bidder.sees('continue-button');
  await bidder.leave();
});

test('a slow lock is waited for, and the page says so', async () => {
  const bidder = await withOneLock();
  await house.assistant.fault('slow', '1500');
  await trySingle(bidder);
  await bidder.sees('waiting');
  assert.match(await bidder.text('waiting'), /签名/);
  assert.equal(await bidder.get('sign-in-button').isDisabled(), true);
  await bidder.sees('continue-button');
  await bidder.leave();
});

test("a signature by another key than the certificate's is not accepted", async () => {
  const bidder = await withOneLock();
  await house.assistant.fault('wrong_key');
  await trySingle(bidder);
  assertTold(await bidder.refusal(), {
    code: 'lock.not_accepted',
    zh: /未能确认您持有/,
    en: /could not be confirmed that you hold/,
    next_zh: /重新插入/,
    next_en: /again/,
  });
  await bidder.leave(REFUSED_CALL);
});

test("a certificate that is cut short is told as the lock's trouble, not as ours", async () => {
  const bidder = await withOneLock();
  await house.assistant.fault('short_cert');
  await bidder.click('lock-read');
  const told = await bidder.refusal();
  assert.match(told.code, /^assistant\.(no_lock|unsuitable|driver)$/);
  await bidder.leave(REFUSED_CALL);
});

test('a signature whose r begins with a zero byte is as good as any', async () => {
  const bidder = await withOneLock();
  await house.assistant.fault('zero_r');
  await trySingle(bidder);
  await bidder.sees('continue-button');
  await bidder.leave();
});

test('where the assistant asks for the PIN itself, the page has no field for it', async () => {
  await house.plugIn([SM2], { change: { pin: 'prompt', pinentry: '/bin/false' } });
  const bidder = await comeToHouse();
  await bidder.open('/sign-in');
  await bidder.click('lock-read');
  await bidder.sees('pin-prompt-hint');
  assert.equal(await bidder.get('pin-input').count(), 0);
  await bidder.click('sign-in-button');
  const told = await bidder.refusal();
  assert.match(told.code, /^assistant\./);
  assert.notEqual(told.code, 'assistant.unknown');
  await bidder.leave(REFUSED_CALL, /server responded with a status of 500/);
});

// --- the authorities' services ---------------------------------------------------------------------------

// Nothing is known of any lock's status then.
async function forgetStatuses() {
  await house.provider.restart();
  await house.plugInAll();
}

test("a dead status service is told as the authority's, and other authorities' locks sign in", async () => {
  await forgetStatuses();
  const mend = await misbehave(authorityOf(demo, 'aobao-rsa'), 'dead');
  try {
    const bidder = await comeToHouse();
    await bidder.open('/sign-in');
    await bidder.prove(lock('company-a-primary'), 'sign-in-button');
    assertTold(await bidder.refusal(), {
      code: 'lock.status_unavailable',
      facts: [named('company-a-primary'), phoned('company-a-primary')],
      zh: /状态服务.*未予通过/,
      en: /status service.*refused/,
      next_zh: /\d+ 秒后重试/,
      next_en: /again in \d+ seconds/,
    });
    for (const label of ['company-b-primary', 'company-c-primary']) {
      const began = Date.now();
      await signIn(house.issuer, house.assistant, lock(label));
      assert.ok(Date.now() - began < 3000, `${label} had to wait`);
    }
    await bidder.leave(UNAVAILABLE);
  } finally {
    await mend();
  }
});

test('a slow status service is waited for, and the page says whom it waits for', async () => {
  await forgetStatuses();
  const mend = await misbehave(authorityOf(demo, 'baihua-p256'), 'slow', { delay_ms: 1500 });
  try {
    const bidder = await comeToHouse();
    await bidder.open('/sign-in');
    await bidder.prove(lock('company-b-primary'), 'sign-in-button');
    await bidder.sees('continue-button');
    await bidder.leave();
  } finally {
    await mend();
  }
});

const LIES = {
  garbage: 'lock.status_unavailable',
  old: 'lock.status_unavailable',
  stranger: 'lock.status_unavailable',
  no_nonce: 'lock.status_unavailable',
  try_later: 'lock.status_unavailable',
  error: 'lock.status_unavailable',
  unknown: 'lock.status_unknown',
};

for (const [fault, code] of Object.entries(LIES)) {
  test(`a status service whose answer is "${fault}" lets nobody in: ${code}`, async () => {
    await forgetStatuses();
    for (const label of ['company-a-primary', 'company-b-primary', 'company-c-primary']) {
      const mend = await misbehave(issuerOf(label), fault);
      const attempt = signIn(house.issuer, house.assistant, lock(label));
      const told = await attempt.then(
        () => assert.fail(`${label} was let in`),
        (error) => error,
      );
      await mend();
      assert.equal(told.code, code, `${label}: ${told.message}`);
      const { message, next } = told.answer.error;
      assert.ok(message.zh.includes(named(label).zh) && message.en.includes(named(label).en));
      assert.ok(next.zh.includes(issuerOf(label).phone) && next.en.includes(issuerOf(label).phone));
    }
  });
}

test('a good answer is kept: the service may die afterwards', async () => {
  await forgetStatuses();
  await signIn(house.issuer, house.assistant, lock('company-c-primary'));
  const mend = await misbehave(issuerOf('company-c-primary'), 'dead');
  try {
    await signIn(house.issuer, house.assistant, lock('company-c-primary'));
  } finally {
    await mend();
  }
});

// --- platforms -------------------------------------------------------------------------------------------

test('a platform that has not joined is refused on a page in both languages', async () => {
  const { names, client_id, redirect_uri } = demo.platforms.find(({ joined }) => !joined);
  const party = new Party(demo.issuer, { client_id, redirect_uri, names });
  const bidder = await come();
  await bidder.page.goto(party.address({ code_challenge: 'A'.repeat(43) }));
  const text = await bidder.page.locator('main').innerText();
  assert.ok(text.includes('client.not_active') && text.includes(SUPPORT));
  assert.match(text, /尚未接入/);
  assert.match(text, /has not joined yet/);
  await bidder.leave(/status of 403/);
});
