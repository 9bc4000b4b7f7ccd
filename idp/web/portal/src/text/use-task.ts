/* One thing at a time that a page asks for: whether it runs, and the problem it met. */
import { ref, shallowRef, type Ref, type ShallowRef } from 'vue'
import { problemOf, type Problem } from './problem'

export interface Task {
  readonly busy: Ref<boolean>
  readonly problem: ShallowRef<Problem | null>
  /* Runs work unless something runs already; what it throws becomes the problem. */
  readonly run: (work: () => Promise<void>) => Promise<void>
}

export function useTask(): Task {
  const busy = ref(false)
  const problem = shallowRef<Problem | null>(null)
  const run = async (work: () => Promise<void>): Promise<void> => {
    if (busy.value) return
    busy.value = true
    problem.value = null
    try {
      await work()
    } catch (thrown) {
      problem.value = problemOf(thrown)
    } finally {
      busy.value = false
    }
  }
  return { busy, problem, run }
}
