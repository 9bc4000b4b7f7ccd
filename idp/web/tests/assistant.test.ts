/* The assistant's client: what it sends, what it takes for an answer, how each refusal is named. */
import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { assistantStatus, listLocks, sign } from '../portal/src/assistant/client'
import { isLoopbackHost } from '../portal/src/assistant/permission'
import { Refusal } from '../portal/src/text/problem'
import { bodyOf, fakeBrowser, type FakeBrowser } from './browser'

const PLACE = { address: 'http://127.0.0.1:17681', minimum_version: '0.2.0' }
const STATUS = { version: '0.2.0', protocol: 1, locks: true, pin: 'page' }
const ANSWER = {
  format: 'tamga-lock:1',
  algorithm: 'SM2',
  certificate: 'MIIB',
  signature: 'MEUC',
  agentVersion: '0.2.0',
}
const LOCK = {
  lock: 'a',
  label: 'label',
  medium: '1234',
  certificate: 'MIIB',
  subject: '051@Company@1@1',
  organisation: 'Company',
  not_after: 1830297600,
}

let browser: FakeBrowser

beforeEach(() => {
  browser = fakeBrowser()
})

function refusedWith(code: string, facts: Record<string, string> = {}) {
  return (thrown: unknown): boolean => {
    assert.ok(thrown instanceof Refusal)
    assert.equal(thrown.problem.code, code)
    assert.deepEqual(thrown.problem.facts, facts)
    return true
  }
}

describe('assistant status', () => {
  it('is read with the headers that force a preflight and without cookies', async () => {
    browser.replies['/status'] = { status: 200, body: STATUS }
    assert.deepEqual(await assistantStatus(PLACE), STATUS)
    const [first] = browser.sent
    assert.equal(first?.address, 'http://127.0.0.1:17681/status')
    assert.equal(first.init.method, 'POST')
    assert.equal(first.init.credentials, 'omit')
    assert.deepEqual(first.init.headers, {
      'Content-Type': 'application/json',
      'X-Tamga-Agent': '1',
    })
    assert.deepEqual(bodyOf(first), {})
  })

  it('refuses a version below the minimum and names both', async () => {
    browser.replies['/status'] = { status: 200, body: { ...STATUS, version: '0.1.9' } }
    const facts = { version: '0.1.9', minimum: '0.2.0' }
    await assert.rejects(assistantStatus(PLACE), refusedWith('assistant.too_old', facts))
  })

  it('tells an assistant that is not there', async () => {
    await assert.rejects(assistantStatus(PLACE), refusedWith('assistant.not_running'))
  })

  it('tells an assistant that is there but does not list this site', async () => {
    browser.replies['17681/'] = { status: 403, body: '' }
    await assert.rejects(assistantStatus(PLACE), refusedWith('assistant.forbidden'))
  })

  it('tells a browser that was not allowed to reach it', async () => {
    for (const permission of ['denied', 'prompt'] as const) {
      browser.permission = permission
      await assert.rejects(assistantStatus(PLACE), refusedWith('assistant.permission_denied'))
    }
  })

  it('blames no permission where the page itself is on loopback', async () => {
    browser.hostname = '127.0.0.1'
    for (const permission of ['denied', 'prompt'] as const) {
      browser.permission = permission
      await assert.rejects(assistantStatus(PLACE), refusedWith('assistant.not_running'))
    }
  })

  it('refuses an answer of another shape', async () => {
    const wrong = [null, [], 'x', { ...STATUS, pin: 'both' }, { ...STATUS, protocol: '1' }]
    for (const body of wrong) {
      browser.replies['/status'] = { status: 200, body }
      await assert.rejects(assistantStatus(PLACE), refusedWith('assistant.unknown'))
    }
  })
})

describe('assistant locks', () => {
  it('are listed as the assistant tells them', async () => {
    browser.replies['/certificates'] = { status: 200, body: { locks: [LOCK] } }
    assert.deepEqual(await listLocks(PLACE), [LOCK])
  })

  it('are also taken from an older assistant, which does not tell the company', async () => {
    const body = { locks: [{ ...LOCK, organisation: undefined }] }
    browser.replies['/certificates'] = { status: 200, body }
    assert.deepEqual(await listLocks(PLACE), [{ ...LOCK, organisation: '' }])
  })

  it('none is the no_lock refusal, whichever way the assistant says it', async () => {
    browser.replies['/certificates'] = { status: 200, body: { locks: [] } }
    await assert.rejects(listLocks(PLACE), refusedWith('assistant.no_lock'))
    browser.replies['/certificates'] = { status: 404, body: { error: { code: 'no_lock' } } }
    await assert.rejects(listLocks(PLACE), refusedWith('assistant.no_lock'))
  })
})

describe('assistant signature', () => {
  it('sends the PIN in that one request and nowhere else', async () => {
    browser.replies['/sign'] = { status: 200, body: ANSWER }
    const request = { challenge: 'login.x', lock: 'a', pin: '13572468' }
    await sign(PLACE, request)
    assert.equal(browser.sent.length, 1)
    assert.equal(browser.sent[0]?.address, 'http://127.0.0.1:17681/sign')
    assert.deepEqual(bodyOf(browser.sent[0]), request)
    assert.ok(!browser.sent[0]?.address.includes('13572468'))
  })

  it('hands on the five agreed members only', async () => {
    browser.replies['/sign'] = { status: 200, body: { ...ANSWER, pin: 'leak', origin: 'x' } }
    assert.deepEqual(await sign(PLACE, { challenge: 'login.x' }), ANSWER)
  })

  it('names each refusal of the assistant', async () => {
    const codes = ['several_locks', 'removed', 'pin_blocked', 'pin_required', 'cancelled', 'busy']
    for (const code of [...codes, 'pin_page_refused', 'unsuitable', 'driver', 'bad_challenge']) {
      browser.replies['/sign'] = { status: 409, body: { error: { code } } }
      await assert.rejects(sign(PLACE, { challenge: 'x' }), refusedWith(`assistant.${code}`))
    }
  })

  it('words a wrong PIN by the tries that are left', async () => {
    const wordings = [
      { left: 5, code: 'assistant.pin_wrong', facts: { tries: '5' } },
      { left: 1, code: 'assistant.pin_wrong_last', facts: { tries: '1' } },
      { left: 0, code: 'assistant.pin_blocked', facts: {} },
      { left: undefined, code: 'assistant.pin_wrong_uncounted', facts: {} },
    ]
    for (const { left, code, facts } of wordings) {
      const error = { code: 'pin_wrong', tries_left: left }
      browser.replies['/sign'] = { status: 403, body: { error } }
      await assert.rejects(sign(PLACE, { challenge: 'x' }), refusedWith(code, facts))
    }
  })

  it('does not let an unknown code choose the words', async () => {
    browser.replies['/sign'] = { status: 400, body: { error: { code: 'constructor' } } }
    const facts = { detail: 'constructor' }
    await assert.rejects(sign(PLACE, { challenge: 'x' }), refusedWith('assistant.unknown', facts))
  })
})

it('loopback hosts are known by name and number', () => {
  for (const host of ['127.0.0.1', '127.8.9.1', 'localhost', 'a.localhost', '[::1]']) {
    assert.ok(isLoopbackHost(host), host)
  }
  for (const host of ['127.0.0.1.example', 'localhost.example', '128.0.0.1', 'example']) {
    assert.ok(!isLoopbackHost(host), host)
  }
})
