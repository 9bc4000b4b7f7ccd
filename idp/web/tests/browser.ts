/* What the tests put in place of the browser: answers to fetch by address, and a permission state. */

export interface Sent {
  readonly address: string
  readonly init: RequestInit
}

export type Reply = { status: number; body: unknown } | 'unreachable'

export interface FakeBrowser {
  readonly sent: Sent[]
  /* Replies by the end of the address; what is not listed is unreachable. */
  replies: Record<string, Reply>
  permission: 'granted' | 'denied' | 'prompt' | 'unsupported'
  hostname: string
}

function permissionQuery(browser: FakeBrowser): Promise<{ state: string }> {
  if (browser.permission === 'unsupported') return Promise.reject(new TypeError('unknown name'))
  return Promise.resolve({ state: browser.permission })
}

function reply(browser: FakeBrowser, address: string, init: RequestInit): Promise<Response> {
  browser.sent.push({ address, init })
  const key = Object.keys(browser.replies).find((end) => address.endsWith(end))
  const found = key === undefined ? 'unreachable' : browser.replies[key]
  if (found === undefined || found === 'unreachable') {
    return Promise.reject(new TypeError('Failed to fetch'))
  }
  const text = typeof found.body === 'string' ? found.body : JSON.stringify(found.body)
  return Promise.resolve(new Response(text, { status: found.status }))
}

export function fakeBrowser(): FakeBrowser {
  const browser: FakeBrowser = {
    sent: [],
    replies: {},
    permission: 'granted',
    hostname: 'portal.example',
  }
  const put = (name: string, value: unknown): void => {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true })
  }
  put('fetch', (address: string, init: RequestInit = {}) => reply(browser, address, init))
  put('navigator', { permissions: { query: () => permissionQuery(browser) } })
  put('window', {
    get location() {
      return { hostname: browser.hostname }
    },
  })
  return browser
}

export function bodyOf(sent: Sent | undefined): unknown {
  return JSON.parse(String(sent?.init.body)) as unknown
}
