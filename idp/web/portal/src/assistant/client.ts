/* The assistant's three commands over loopback HTTP. Every refusal is thrown as Refusal with a code
   assistant.<code>. The PIN is an argument of sign() alone, goes into that one request's body and is
   kept nowhere. */
import { Refusal } from '../text/problem'
import { isAtLeast } from '../text/version'
import type { AssistantPlace } from '../api/types'
import { reachOfAssistant } from './permission'
import { assistantProblem, refusalIn } from './refusals'
import { readAnswer, readLocks, readStatus } from './shapes'
import type { Answer, AssistantStatus, Lock, SignRequest } from './types'

/* The assistant's own dialog closes after 120 s; the page waits a little longer than that. */
const SIGN_MS = 130_000
const READ_MS = 20_000
const OLDEST_PROTOCOL = 1

async function send(address: string, body: unknown, deadlineMs: number): Promise<Response> {
  const deadline = new AbortController()
  const timer = setTimeout(() => {
    deadline.abort()
  }, deadlineMs)
  try {
    return await fetch(address, {
      method: 'POST',
      mode: 'cors',
      credentials: 'omit',
      cache: 'no-store',
      referrerPolicy: 'no-referrer',
      headers: { 'Content-Type': 'application/json', 'X-Tamga-Agent': '1' },
      body: JSON.stringify(body),
      signal: deadline.signal,
    })
  } finally {
    clearTimeout(timer)
  }
}

/* Whether something answers there at all: an opaque request shows no content, but it resolves. */
async function somethingAnswers(address: string): Promise<boolean> {
  try {
    await fetch(new URL('/', address).href, {
      mode: 'no-cors',
      credentials: 'omit',
      cache: 'no-store',
    })
    return true
  } catch {
    return false
  }
}

/* Why a request did not get through: the browser's permission, a settings file that does not list
   this site, or nobody there. */
async function unreached(address: string, thrown: unknown): Promise<Refusal> {
  const timedOut = thrown instanceof DOMException && thrown.name === 'AbortError'
  if (timedOut) return new Refusal(assistantProblem('slow'))
  if ((await reachOfAssistant()) !== 'free') {
    return new Refusal(assistantProblem('permission_denied'))
  }
  const code = (await somethingAnswers(address)) ? 'forbidden' : 'not_running'
  return new Refusal(assistantProblem(code))
}

async function command(address: string, body: unknown, deadlineMs: number): Promise<unknown> {
  let response: Response
  try {
    response = await send(address, body, deadlineMs)
  } catch (thrown) {
    throw await unreached(address, thrown)
  }
  const answer: unknown = await response.json().catch(() => null)
  if (!response.ok) throw refusalIn(answer)
  return answer
}

function checked<T>(value: T | null): T {
  if (value === null) throw new Refusal(assistantProblem('unknown'))
  return value
}

/* The assistant's state. Throws Refusal, assistant.too_old when the provider wants a newer one. */
export async function assistantStatus(place: AssistantPlace): Promise<AssistantStatus> {
  const status = checked(readStatus(await command(`${place.address}/status`, {}, READ_MS)))
  const recent = isAtLeast(status.version, place.minimum_version)
  if (!recent || status.protocol < OLDEST_PROTOCOL) {
    const facts = { version: status.version, minimum: place.minimum_version }
    throw new Refusal(assistantProblem('too_old', facts))
  }
  return status
}

/* The locks plugged in, at least one. Names and codes are in there: call it after a click only. */
export async function listLocks(place: AssistantPlace): Promise<readonly Lock[]> {
  const locks = checked(readLocks(await command(`${place.address}/certificates`, {}, READ_MS)))
  if (locks.length === 0) throw new Refusal(assistantProblem('no_lock'))
  return locks
}

/* Has the lock sign the challenge. */
export async function sign(place: AssistantPlace, request: SignRequest): Promise<Answer> {
  return checked(readAnswer(await command(`${place.address}/sign`, request, SIGN_MS)))
}
