/* The assistant's refusals as problems of the page. Each code has its own texts in the language
   files, under refusals.<code>; a code that the page does not know becomes assistant.unknown. */
import { ownProblem, Refusal, type Problem } from '../text/problem'
import { readError } from './shapes'

const KNOWN: readonly string[] = [
  'no_lock',
  'several_locks',
  'lock_not_found',
  'removed',
  'pin_wrong',
  'pin_blocked',
  'pin_required',
  'pin_page_refused',
  'pin_last_try',
  'no_prompt',
  'cancelled',
  'busy',
  'bad_challenge',
  'unsuitable',
  'driver',
  'bad_request',
  'forbidden',
  'fault',
]

/* After which the remedy is in the bidder's hands and the same button is pressed again. */
const RETRY: readonly string[] = [
  'assistant.not_running',
  'assistant.too_old',
  'assistant.permission_denied',
  'assistant.no_lock',
  'assistant.lock_not_found',
  'assistant.removed',
  'assistant.busy',
  'assistant.driver',
  'assistant.no_prompt',
  'assistant.fault',
  'assistant.pin_page_refused',
  'assistant.forbidden',
]

export function assistantProblem(code: string, facts: Record<string, string> = {}): Problem {
  const problem = ownProblem(`assistant.${code}`, facts)
  return RETRY.includes(problem.code) ? { ...problem, action: 'retry' } : problem
}

/* One try left is worded as the last one, none as blocked. */
function pinWrong(triesLeft: number | null): Problem {
  if (triesLeft === 0) return assistantProblem('pin_blocked')
  if (triesLeft === 1) return assistantProblem('pin_wrong_last', { tries: '1' })
  if (triesLeft === null) return assistantProblem('pin_wrong_uncounted')
  return assistantProblem('pin_wrong', { tries: String(triesLeft) })
}

/* The refusal in an answer that is not a good one. */
export function refusalIn(body: unknown): Refusal {
  const error = readError(body)
  if (!error) return new Refusal(assistantProblem('unknown'))
  if (error.code === 'pin_wrong') return new Refusal(pinWrong(error.triesLeft))
  if (KNOWN.includes(error.code)) return new Refusal(assistantProblem(error.code))
  return new Refusal(assistantProblem('unknown', { detail: error.code.slice(0, 40) }))
}
