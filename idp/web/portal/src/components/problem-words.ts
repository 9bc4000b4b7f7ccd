/* The words of a problem: the provider's own where it sent them, else the page's by code. */
import { useWords } from '../i18n/i18n'
import type { Problem } from '../text/problem'
import { useText } from '../text/use-text'

export interface ProblemWords {
  readonly message: (problem: Problem) => string
  /* The next step, one entry per line of the text. */
  readonly next: (problem: Problem) => readonly string[]
}

export function useProblemWords(): ProblemWords {
  const { t, te } = useWords()
  const { say } = useText()

  const own = (problem: Problem, part: 'message' | 'next'): string => {
    const key = `refusals.${problem.code}.${part}`
    return te(key) ? t(key, { ...problem.facts }) : t(`refusals.page.fault.${part}`)
  }
  return {
    message: (problem) => (problem.message ? say(problem.message) : own(problem, 'message')),
    next: (problem) => {
      const text = problem.next ? say(problem.next) : problem.message ? '' : own(problem, 'next')
      return text.split('\n').filter((line) => line.trim() !== '')
    },
  }
}
