/* One JSON call to the provider. POSTs carry the session's token in a header of their own; the
   browser adds Origin and the cookie. A refusal is thrown as Refusal, whatever its cause. */
import { ownProblem, problemIn, Refusal, type Problem } from '../text/problem'

export interface CallRequest {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body?: unknown
  readonly token?: string
}

/* The provider answers within seconds; the margin is for a CA's slow status service. */
const DEADLINE_MS = 30_000

function requestOf(call: CallRequest, signal: AbortSignal): RequestInit {
  const shared: RequestInit = { credentials: 'same-origin', cache: 'no-store', signal }
  if (call.method === 'GET') return shared
  return {
    ...shared,
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Tamga-Token': call.token ?? '' },
    body: JSON.stringify(call.body ?? {}),
  }
}

/* The body as JSON; undefined when it is none. */
async function jsonOf(response: Response): Promise<unknown> {
  try {
    return (await response.json()) as unknown
  } catch {
    return undefined
  }
}

function refusalOf(status: number, body: unknown): Problem {
  const problem = problemIn(body)
  if (problem) return problem
  return ownProblem(status >= 500 ? 'server.unavailable' : 'server.fault')
}

/* Returns the answer's body. Throws Refusal: the provider's own, page.offline when no answer came,
   server.unavailable or server.fault when the answer is not one of the provider's. */
export async function call<T>(request: CallRequest): Promise<T> {
  const deadline = new AbortController()
  const timer = setTimeout(() => {
    deadline.abort()
  }, DEADLINE_MS)
  try {
    const response = await fetch(request.path, requestOf(request, deadline.signal))
    const body = await jsonOf(response)
    if (!response.ok || body === undefined) throw new Refusal(refusalOf(response.status, body))
    return body as T
  } catch (thrown) {
    if (thrown instanceof Refusal) throw thrown
    throw new Refusal(ownProblem('page.offline'))
  } finally {
    clearTimeout(timer)
  }
}
