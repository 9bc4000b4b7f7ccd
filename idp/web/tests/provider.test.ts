/* The provider's client: tokens, refusals, and a session that ended meanwhile. */
import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { Refusal } from '../portal/src/text/problem'
import { bodyOf, fakeBrowser, type FakeBrowser } from './browser'
import * as sessions from '../portal/src/session/session'

const ASSISTANT = { address: 'http://127.0.0.1:17681', minimum_version: '0.1.0' }
const ENTERPRISE = { name: 'Company', uscc: 'X', entity_types: [] }
const STRANGER = { token: 'one', signed_in: false, assistant: ASSISTANT }
const SIGNED_IN = { ...STRANGER, token: 'two', signed_in: true, enterprise: ENTERPRISE }

let browser: FakeBrowser

beforeEach(async () => {
  browser = fakeBrowser()
  browser.replies['/api/session'] = { status: 200, body: STRANGER }
  await sessions.loadSession()
  sessions.forgetEndedSession()
  browser.sent.length = 0
})

function refusal(code: string) {
  const text = { zh: '甲', en: 'A' }
  return { status: 403, body: { error: { code, message: text, next: text, facts: {} } } }
}

async function problemOf(work: Promise<unknown>) {
  const thrown: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  )
  assert.ok(thrown instanceof Refusal)
  return thrown.problem
}

describe('a POST', () => {
  it('carries JSON and the token of the session', async () => {
    browser.replies['/api/launch'] = { status: 200, body: { location: 'x' } }
    await sessions.post('/api/launch', { client: 'a' })
    const [sent] = browser.sent
    assert.equal(sent?.init.method, 'POST')
    assert.deepEqual(sent.init.headers, {
      'Content-Type': 'application/json',
      'X-Tamga-Token': 'one',
    })
    assert.deepEqual(bodyOf(sent), { client: 'a' })
  })

  it('brings the refusal up with the texts of the provider', async () => {
    browser.replies['/api/launch'] = refusal('platform.not_joined')
    const problem = await problemOf(sessions.post('/api/launch'))
    assert.equal(problem.code, 'platform.not_joined')
    assert.deepEqual(problem.message, { zh: '甲', en: 'A' })
  })

  it('is not repeated with a new token, because somebody else may be signed in', async () => {
    browser.replies['/api/consent'] = refusal('request.token')
    browser.replies['/api/session'] = { status: 200, body: SIGNED_IN }
    const problem = await problemOf(sessions.post('/api/consent'))
    assert.equal(problem.code, 'request.token')
    assert.equal(problem.action, 'retry')
    assert.equal(browser.sent.filter((sent) => sent.address === '/api/consent').length, 1)
    assert.equal(sessions.session.value?.token, 'two')
  })

  it('tells a dead network from a broken answer', async () => {
    assert.equal((await problemOf(sessions.post('/api/launch'))).code, 'page.offline')
    browser.replies['/api/launch'] = { status: 502, body: '<html>' }
    assert.equal((await problemOf(sessions.post('/api/launch'))).code, 'server.unavailable')
    browser.replies['/api/launch'] = { status: 200, body: '<html>' }
    assert.equal((await problemOf(sessions.post('/api/launch'))).code, 'server.fault')
  })
})

describe('the session', () => {
  it('that ended is noticed and told', async () => {
    browser.replies['/api/session'] = { status: 200, body: SIGNED_IN }
    await sessions.loadSession()
    assert.equal(sessions.enterprise.value?.name, 'Company')
    browser.replies['/api/session'] = { status: 200, body: STRANGER }
    browser.replies['/api/platforms'] = refusal('session.gone')
    await problemOf(sessions.get('/api/platforms'))
    assert.equal(sessions.enterprise.value, null)
    assert.equal(sessions.sessionEnded.value, true)
  })

  it('that the bidder ended is not told as lost', async () => {
    browser.replies['/api/session'] = { status: 200, body: SIGNED_IN }
    await sessions.loadSession()
    browser.replies['/api/session'] = { status: 200, body: STRANGER }
    browser.replies['/api/sign-out'] = { status: 200, body: {} }
    await sessions.signOut()
    assert.equal(sessions.sessionEnded.value, false)
    assert.equal(sessions.enterprise.value, null)
  })

  it('is asked for once when two ask at the same time', async () => {
    browser.replies['/api/session'] = 'unreachable'
    browser.replies['/api/x'] = refusal('session.gone')
    await problemOf(sessions.get('/api/x')) // what was known is forgotten
    browser.replies['/api/session'] = { status: 200, body: STRANGER }
    browser.sent.length = 0
    await Promise.all([sessions.knownSession(), sessions.knownSession()])
    assert.equal(browser.sent.length, 1)
  })
})
