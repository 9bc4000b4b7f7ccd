/* The plain modules: texts, links, versions, problems, the bind form, the platform filter, words. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fieldOf, trimmed, wrongFields } from '../portal/src/bind/check-form'
import { QUESTIONS } from '../portal/src/help/questions'
import { en } from '../portal/src/i18n/en'
import { languageAmong } from '../portal/src/i18n/language'
import { zh } from '../portal/src/i18n/zh'
import { filterGroups } from '../portal/src/platforms/filter-groups'
import { formatDay, formatSize } from '../portal/src/text/format'
import { hostOf, imageLink, jumpTarget, pageLink, telephoneLink } from '../portal/src/text/links'
import { ownProblem, problemIn } from '../portal/src/text/problem'
import { inLanguage } from '../portal/src/text/text'
import { isAtLeast } from '../portal/src/text/version'

describe('addresses from data', () => {
  const RUNS_CONTENT = [
    'javascript:alert(1)',
    ' JavaScript:alert(1)',
    'java\nscript:alert(1)',
    'data:text/html,x',
    'vbscript:x',
    'blob:https://a/1',
    'file:///etc/passwd',
    'about:blank',
  ]

  it('never become a link or a jump that runs content', () => {
    for (const address of RUNS_CONTENT) {
      assert.equal(pageLink(address), null, address)
      assert.equal(jumpTarget(address), null, address)
      assert.equal(imageLink(address), null, address)
    }
  })

  it('may be pages, and for a jump an application of its own', () => {
    assert.equal(pageLink('https://a.example/p'), 'https://a.example/p')
    assert.equal(pageLink('com.example.app:/cb'), null)
    assert.equal(jumpTarget('com.example.app:/cb?code=1'), 'com.example.app:/cb?code=1')
    assert.equal(imageLink('http://a.example/x.png'), null)
    for (const nothing of ['', null, undefined, '/relative']) assert.equal(pageLink(nothing), null)
  })

  it('show their host with its port', () => {
    assert.equal(hostOf('http://127.0.0.12:9000/x'), '127.0.0.12:9000')
    assert.equal(hostOf('https://good.example@evil.example/'), 'evil.example')
  })

  it('phones can be dialled', () => {
    assert.equal(telephoneLink('0471-694 6883'), 'tel:04716946883')
  })
})

describe('versions', () => {
  it('are compared number by number', () => {
    assert.ok(isAtLeast('0.10.0', '0.9.9'))
    assert.ok(isAtLeast('1.0', '1.0.0'))
    assert.ok(isAtLeast('0.1.0', '0.1.0'))
    assert.ok(!isAtLeast('0.1.0', '0.1.1'))
    assert.ok(!isAtLeast('', '0.0.1'))
  })
})

describe('texts', () => {
  it('fall back to the other language rather than to nothing', () => {
    assert.equal(inLanguage({ zh: '甲', en: 'A' }, 'en'), 'A')
    assert.equal(inLanguage({ zh: '甲', en: '' }, 'en'), '甲')
    assert.equal(inLanguage('plain', 'zh'), 'plain')
  })

  it('start in the first language of the browser that the portal speaks', () => {
    assert.equal(languageAmong(['en-US', 'zh-CN']), 'en')
    assert.equal(languageAmong(['mn', 'zh-Hans-CN', 'en']), 'zh')
    assert.equal(languageAmong(['de']), 'zh')
    assert.equal(languageAmong([]), 'zh')
  })

  it('show a day as it is in the region', () => {
    assert.equal(formatDay(1735660800, 'zh'), '2025年1月1日') // 16:00 UTC, the day before
    assert.equal(formatDay(1735660800, 'en'), '1 January 2025')
    assert.equal(formatSize(184320), '180.0 KiB')
  })
})

describe('problems', () => {
  it('take the provider at its word', () => {
    const text = { zh: '甲', en: 'A' }
    const facts = { phone: '0471', since: 5, list: ['x'] }
    const error = { code: 'lock.revoked', message: text, next: text, action: 'call', facts }
    assert.deepEqual(problemIn({ error }), {
      code: 'lock.revoked',
      message: text,
      next: text,
      action: 'call',
      phone: '0471',
      facts: { phone: '0471', since: '5' },
    })
  })

  it('know the usual button where the provider names none', () => {
    assert.equal(problemIn({ error: { code: 'lock.not_bound' } })?.action, 'bind')
    assert.equal(problemIn({ error: { code: 'lock.already_bound' } })?.action, 'sign_in')
    assert.equal(problemIn({ error: { code: 'lock.expired', action: 'x' } })?.action, undefined)
    assert.equal(ownProblem('server.unavailable').action, 'retry')
  })

  it('are none in a body that is none', () => {
    for (const body of [null, [], 'x', {}, { error: 'x' }, { error: { code: 1 } }]) {
      assert.equal(problemIn(body), null)
    }
  })
})

describe('the bind form', () => {
  const good = {
    city: 'baotou',
    legal_representative: ' 王强 ',
    phone: '0472-1234567',
    address: '一号',
    entity_types: ['bidder'],
    email: 'office@example.cn',
  }

  it('accepts a complete form and trims what was typed', () => {
    assert.deepEqual(wrongFields(trimmed(good)), [])
    assert.equal(trimmed(good).legal_representative, '王强')
  })

  it('names every wrong field in the order of the page', () => {
    const empty = { ...good, city: '', address: '  ', entity_types: [], phone: '12', email: 'x@y' }
    const wrong = ['city', 'phone', 'address', 'entity_types', 'email']
    assert.deepEqual(wrongFields(trimmed(empty)), wrong)
  })

  it('finds the field that the provider speaks of', () => {
    assert.equal(fieldOf({ code: 'form.invalid', facts: { field: 'email' } }), 'email')
    assert.equal(fieldOf({ code: 'form.invalid', facts: { field: 'uscc' } }), null)
    assert.equal(fieldOf({ code: 'lock.expired', facts: {} }), null)
  })
})

it('the platform filter finds names and cities in both languages', () => {
  const platform = (id: string, chinese: string, english: string) => ({
    id,
    name: { zh: chinese, en: english },
    uri: '',
    phone: '',
    joined: true,
  })
  const title = { zh: '', en: '' }
  const groups = [
    { id: 'west', title, platforms: [platform('baotou', '包头市交易平台', 'Baotou platform')] },
    { id: 'east', title, platforms: [platform('chifeng', '赤峰市交易平台', 'Chifeng platform')] },
  ]
  const found = (typed: string) =>
    filterGroups(groups, typed).flatMap((group) => group.platforms.map(({ id }) => id))
  assert.deepEqual(found(''), ['baotou', 'chifeng'])
  assert.deepEqual(found('  BAO '), ['baotou'])
  assert.deepEqual(found('赤峰'), ['chifeng'])
  assert.deepEqual(found('platform chi'), ['chifeng'])
  assert.deepEqual(found('x'), [])
})

describe('the words', () => {
  function leaves(words: object, path = ''): [string, string][] {
    return Object.entries(words).flatMap(([name, value]) =>
      typeof value === 'string'
        ? [[`${path}${name}`, value] as [string, string]]
        : leaves(value as object, `${path}${name}.`),
    )
  }
  const chinese = leaves(zh)
  const english = new Map(leaves(en))
  const parameters = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort()

  it('are there in both languages with the same parameters', () => {
    assert.equal(english.size, chinese.length)
    for (const [key, text] of chinese) {
      assert.ok(text.trim() !== '', key)
      assert.ok((english.get(key) ?? '').trim() !== '', key)
      assert.deepEqual(parameters(english.get(key) ?? ''), parameters(text), key)
    }
  })

  it('hold no sign that the message format would read as its own', () => {
    for (const [key, text] of [...chinese, ...english]) assert.doesNotMatch(text, /[@|%$<>]/, key)
  })

  it('answer at least ten questions in both languages', () => {
    assert.ok(QUESTIONS.length >= 10)
    for (const { id, question, answer } of QUESTIONS) {
      for (const text of [question, ...answer]) assert.ok(text.zh !== '' && text.en !== '', id)
    }
    assert.equal(new Set(QUESTIONS.map(({ id }) => id)).size, QUESTIONS.length)
  })
})
