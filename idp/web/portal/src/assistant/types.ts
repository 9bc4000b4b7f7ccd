/* What the assistant, the local program that reads the lock, answers. It is not trusted: its answers
   are checked for shape before a page uses them. */
import type { Answer } from '../api/types'

export type PinPlace = 'page' | 'prompt'

export interface AssistantStatus {
  readonly version: string
  readonly protocol: number
  readonly locks: boolean
  readonly pin: PinPlace
}

export interface Lock {
  readonly lock: string
  readonly label: string
  readonly medium: string
  readonly certificate: string
  readonly subject: string
  /* The company; older assistants do not tell it. */
  readonly organisation: string
  readonly not_after: number
}

export interface SignRequest {
  readonly challenge: string
  readonly lock?: string
  readonly pin?: string
}

export type { Answer }
