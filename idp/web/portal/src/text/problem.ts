/* A problem is whatever keeps a bidder from going on, in one shape wherever it comes from: a refusal
   by the provider (which sends its texts in both languages), a refusal by the assistant, or a call
   that did not get through (for these two the page has the texts, found by code). */
import type { Text } from './text'

export type ProblemAction = 'bind' | 'sign_in' | 'retry' | 'call'

export interface Problem {
  readonly code: string
  readonly message?: Text
  readonly next?: Text
  readonly action?: ProblemAction
  readonly phone?: string
  readonly request?: string
  readonly facts: Readonly<Record<string, string>>
}

const ACTIONS: readonly string[] = ['bind', 'sign_in', 'retry', 'call']

/* What to offer when the provider's answer leaves it out. */
const USUAL_ACTIONS: Readonly<Record<string, ProblemAction>> = {
  'lock.not_bound': 'bind',
  'lock.already_bound': 'sign_in',
  'lock.status_unavailable': 'retry',
  'lock.not_accepted': 'retry',
  'challenge.gone': 'retry',
  'session.gone': 'sign_in',
  'request.token': 'retry',
  'rate.limited': 'retry',
  'server.unavailable': 'retry',
  'server.fault': 'retry',
  'page.offline': 'retry',
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function textIn(value: unknown): Text | undefined {
  if (!isRecord(value)) return undefined
  const { zh, en } = value
  return typeof zh === 'string' && typeof en === 'string' ? { zh, en } : undefined
}

function factsIn(value: unknown): Record<string, string> {
  const facts: Record<string, string> = {}
  if (!isRecord(value)) return facts
  for (const [name, fact] of Object.entries(value)) {
    if (typeof fact === 'string' || typeof fact === 'number') facts[name] = String(fact)
  }
  return facts
}

function actionIn(value: unknown, code: string): ProblemAction | undefined {
  if (typeof value === 'string' && ACTIONS.includes(value)) return value as ProblemAction
  return USUAL_ACTIONS[code]
}

/* A problem that the page itself words. */
export function ownProblem(code: string, facts: Record<string, string> = {}): Problem {
  const action = USUAL_ACTIONS[code]
  return action ? { code, facts, action } : { code, facts }
}

/* The problem in a provider's error answer {"error":{…}}; null when the body is none. */
export function problemIn(body: unknown): Problem | null {
  if (!isRecord(body) || !isRecord(body['error'])) return null
  const { code, message, next, action, facts, request } = body['error']
  if (typeof code !== 'string') return null
  const known = factsIn(facts)
  const problem = {
    code,
    facts: known,
    message: textIn(message),
    next: textIn(next),
    action: actionIn(action, code),
    phone: known['phone'],
    request: typeof request === 'string' ? request : undefined,
  }
  return withoutUndefined(problem)
}

type Loose<T> = { [K in keyof T]: T[K] | undefined }

function withoutUndefined(problem: Loose<Required<Problem>>): Problem {
  const entries = Object.entries(problem).filter(([, value]) => value !== undefined)
  return { code: '', facts: {}, ...Object.fromEntries(entries) } as Problem
}

/* How a problem travels up from the call that met it. */
export class Refusal extends Error {
  readonly problem: Problem

  constructor(problem: Problem) {
    super(problem.code)
    this.name = 'Refusal'
    this.problem = problem
  }
}

/* The problem behind anything that was thrown. */
export function problemOf(thrown: unknown): Problem {
  return thrown instanceof Refusal ? thrown.problem : ownProblem('page.fault')
}
