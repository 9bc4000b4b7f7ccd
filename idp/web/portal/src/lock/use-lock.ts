/* The lock at work on a page: connect to the assistant, read the locks after a click, choose one,
   have it sign. The PIN passes through sign() and is not kept. */
import { computed, ref, shallowRef, type ComputedRef, type Ref, type ShallowRef } from 'vue'
import { sendCertificateAhead, takeChallenge } from '../api/portal'
import type { Answer, AssistantPlace, Purpose } from '../api/types'
import { assistantStatus, listLocks, sign } from '../assistant/client'
import { reachOfAssistant } from '../assistant/permission'
import { assistantProblem } from '../assistant/refusals'
import type { AssistantStatus, Lock } from '../assistant/types'
import { knownSession } from '../session/session'
import { Refusal } from '../text/problem'
import { useTask, type Task } from '../text/use-task'

export interface LockSession {
  readonly task: Task
  readonly status: ShallowRef<AssistantStatus | null>
  readonly locks: ShallowRef<readonly Lock[]>
  readonly chosenId: Ref<string>
  readonly chosen: ComputedRef<Lock | null>
  /* Whether the browser will ask for permission at the next step, which the page explains. */
  readonly willAsk: Ref<boolean>
  readonly connect: () => Promise<void>
  readonly read: () => Promise<void>
  readonly choose: (lock: Lock) => void
  readonly answer: (purpose: Purpose, interaction: string | null, pin: string) => Promise<Answer>
}

/* Nobody waits for this call, and the sign-in itself works without it. */
function announce(lock: Lock): void {
  sendCertificateAhead(lock.certificate).catch(() => undefined)
}

function requirePin(status: AssistantStatus | null, pin: string): void {
  if (status?.pin === 'page' && pin === '') throw new Refusal(assistantProblem('pin_required'))
}

/* After these the lock that was read is no longer there. */
const LOCK_GONE: readonly string[] = [
  'assistant.removed',
  'assistant.no_lock',
  'assistant.lock_not_found',
  'assistant.not_running',
]

/* In an order that stays the same from reading to reading, and in which a label is found quickly. */
function byLabel(locks: readonly Lock[]): readonly Lock[] {
  return [...locks].sort((a, b) => a.label.localeCompare(b.label, 'zh-CN', { numeric: true }))
}

async function place(): Promise<AssistantPlace> {
  return (await knownSession()).assistant
}

export function useLock(): LockSession {
  const task = useTask()
  const status = shallowRef<AssistantStatus | null>(null)
  const locks = shallowRef<readonly Lock[]>([])
  const chosenId = ref('')
  const willAsk = ref(false)
  const chosen = computed(() => locks.value.find((lock) => lock.lock === chosenId.value) ?? null)

  const forget = (): void => {
    locks.value = []
    chosenId.value = ''
  }
  const choose = (lock: Lock): void => {
    chosenId.value = lock.lock
    announce(lock)
  }
  const connect = (): Promise<void> =>
    task.run(async () => {
      forget()
      status.value = null
      const reach = await reachOfAssistant()
      willAsk.value = reach === 'ask'
      if (reach === 'denied') throw new Refusal(assistantProblem('permission_denied'))
      if (reach === 'free') status.value = await assistantStatus(await place())
    })
  const read = (): Promise<void> =>
    task.run(async () => {
      forget()
      status.value = await assistantStatus(await place())
      willAsk.value = false
      locks.value = byLabel(await listLocks(await place()))
      const [only, ...others] = locks.value
      if (only && others.length === 0) choose(only)
    })
  const answer: LockSession['answer'] = async (purpose, interaction, pin) => {
    const lock = chosen.value
    if (!lock) throw new Refusal(assistantProblem('several_locks'))
    requirePin(status.value, pin)
    const challenge = await takeChallenge(purpose, interaction)
    const request = { challenge, lock: lock.lock }
    try {
      const withPin = status.value?.pin === 'page' ? { ...request, pin } : request
      return await sign(await place(), withPin)
    } catch (thrown) {
      if (thrown instanceof Refusal && LOCK_GONE.includes(thrown.problem.code)) forget()
      throw thrown
    }
  }
  return { task, status, locks, chosenId, chosen, willAsk, connect, read, choose, answer }
}
