/* The browser's session with the provider, as every page sees it: who is signed in, the token that
   each POST must carry, where the assistant listens. */
import { computed, readonly, ref, shallowRef } from 'vue'
import { call } from '../api/client'
import type { Enterprise, Session } from '../api/types'
import { Refusal } from '../text/problem'

const current = shallowRef<Session | null>(null)
const lost = ref(false)

/* Codes that say the page's idea of the session is out of date. */
const STALE: readonly string[] = ['session.gone', 'request.token']

export const session = readonly(current)
/* Whether a signed-in session ended without the bidder's doing; the page shell tells so. */
export const sessionEnded = readonly(lost)
export const enterprise = computed<Enterprise | null>(() =>
  current.value?.signed_in ? (current.value.enterprise ?? null) : null,
)

/* The one question under way: the first answer sets the cookie, so two at once would each start a
   session and the later cookie would make the earlier token worthless. */
let pending: Promise<Session> | null = null

async function askForSession(): Promise<Session> {
  const wasSignedIn = current.value?.signed_in === true
  const fresh = await call<Session>({ method: 'GET', path: '/api/session' })
  current.value = fresh
  if (wasSignedIn && !fresh.signed_in) lost.value = true
  if (fresh.signed_in) lost.value = false
  return fresh
}

function ask(): Promise<Session> {
  pending = askForSession().finally(() => {
    pending = null
  })
  return pending
}

/* The session as it is now, even where an earlier answer is known. Throws Refusal. */
export async function loadSession(): Promise<Session> {
  await pending?.catch(() => undefined)
  return ask()
}

/* The session, asked for once. Throws Refusal. */
export async function knownSession(): Promise<Session> {
  return current.value ?? (await (pending ?? ask()))
}

/* Puts the session's end out of sight, once read. */
export function forgetEndedSession(): void {
  lost.value = false
}

/* One POST with the session's token. When the provider says that the session or its token is out of
   date, the session is read again before the refusal goes up, and the bidder decides whether to try
   again: another enterprise may be signed in by now. Throws Refusal. */
export async function post<T>(path: string, body: unknown = {}): Promise<T> {
  const { token } = await knownSession()
  try {
    return await call<T>({ method: 'POST', path, body, token })
  } catch (thrown) {
    await renewWhenStale(thrown)
    throw thrown
  }
}

/* One GET; the same care for a session that ended. Throws Refusal. */
export async function get<T>(path: string): Promise<T> {
  try {
    return await call<T>({ method: 'GET', path })
  } catch (thrown) {
    await renewWhenStale(thrown)
    throw thrown
  }
}

async function renewWhenStale(thrown: unknown): Promise<void> {
  if (!(thrown instanceof Refusal) || !STALE.includes(thrown.problem.code)) return
  try {
    await loadSession()
  } catch {
    current.value = null
  }
}

/* Ends the session at the provider, then reads the new, empty one. Throws Refusal. */
export async function signOut(): Promise<void> {
  await post<Record<string, never>>('/api/sign-out')
  current.value = null
  await loadSession()
}
