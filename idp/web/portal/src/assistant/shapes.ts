/* Reads the assistant's answers into typed values; null when the shape is not the agreed one. */
import type { Answer, AssistantStatus, Lock } from './types'

const MOST_LOCKS = 32
const MOST_TEXT = 64 * 1024

type Fields = Readonly<Record<string, unknown>>

function fieldsOf(value: unknown): Fields | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Fields)
    : null
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value.length <= MOST_TEXT ? value : null
}

function allTexts<K extends string>(fields: Fields, names: readonly K[]): Record<K, string> | null {
  const found: Partial<Record<K, string>> = {}
  for (const name of names) {
    const value = text(fields[name])
    if (value === null) return null
    found[name] = value
  }
  return found as Record<K, string>
}

export function readStatus(body: unknown): AssistantStatus | null {
  const fields = fieldsOf(body)
  const version = text(fields?.['version'])
  if (!fields || version === null) return null
  const { protocol, locks, pin } = fields
  if (typeof protocol !== 'number' || typeof locks !== 'boolean') return null
  if (pin !== 'page' && pin !== 'prompt') return null
  return { version, protocol, locks, pin }
}

function readLock(value: unknown): Lock | null {
  const fields = fieldsOf(value)
  if (!fields) return null
  const texts = allTexts(fields, ['lock', 'label', 'medium', 'certificate', 'subject'])
  const { not_after } = fields
  const organisation = text(fields['organisation'] ?? '')
  if (!texts || organisation === null || typeof not_after !== 'number') return null
  return { ...texts, organisation, not_after }
}

export function readLocks(body: unknown): readonly Lock[] | null {
  const list = fieldsOf(body)?.['locks']
  if (!Array.isArray(list) || list.length > MOST_LOCKS) return null
  const locks = list.map(readLock)
  return locks.every((lock) => lock !== null) ? locks : null
}

/* Only the five agreed members are taken over: nothing else goes on to the provider. */
export function readAnswer(body: unknown): Answer | null {
  const fields = fieldsOf(body)
  if (!fields) return null
  return allTexts(fields, ['format', 'algorithm', 'certificate', 'signature', 'agentVersion'])
}

/* The code of an error answer {"error":{"code":…,"tries_left":…}}, or null. */
export function readError(body: unknown): { code: string; triesLeft: number | null } | null {
  const error = fieldsOf(fieldsOf(body)?.['error'])
  const code = text(error?.['code'])
  if (!error || code === null) return null
  const left = error['tries_left']
  return { code, triesLeft: typeof left === 'number' && left >= 0 ? Math.floor(left) : null }
}
