/* The shapes of the portal's JSON calls, as the provider documents them. Times are seconds since
   1970. A member that may be missing is marked so; the pages never guess one. */
import type { Text } from '../text/text'

export interface Authority {
  readonly name: Text | string
  readonly phone: string
}

export interface Enterprise {
  readonly name: string
  readonly uscc: string
  readonly entity_types: readonly string[]
}

export interface SessionLock {
  readonly authority: Text
  readonly serial: string
  readonly not_after: number
  readonly key_number?: string
  readonly primary: boolean
}

export interface AssistantPlace {
  readonly address: string
  readonly minimum_version: string
}

export interface Session {
  readonly token: string
  readonly signed_in: boolean
  readonly enterprise?: Enterprise
  readonly lock?: SessionLock
  readonly auth_time?: number
  readonly assistant: AssistantPlace
}

export interface Certificate {
  readonly name: string
  readonly uscc: string
  readonly authority: Text
  readonly serial: string
  readonly not_before: number
  readonly not_after: number
  readonly key_number?: string
  readonly algorithm: string
  readonly primary?: boolean
}

export interface Client {
  readonly id: string
  readonly name: Text
  readonly uri?: string | null
  readonly logo?: string | null
  readonly policy?: string | null
  readonly terms?: string | null
  readonly phone?: string | null
}

export interface Claim {
  readonly name: string
  readonly title: Text
  readonly value: Text | null
}

export interface Interaction {
  readonly client: Client
  readonly needs: 'sign_in' | 'consent'
  readonly scopes: readonly string[]
  readonly claims: readonly Claim[]
  /* How many days the platform may go on reading without the bidder; left out: not at all. */
  readonly offline_days?: number
}

export type Purpose = 'login' | 'bind'

/* What the assistant signed, exactly the members that the provider accepts. */
export interface Answer {
  readonly format: string
  readonly algorithm: string
  readonly certificate: string
  readonly signature: string
  readonly agentVersion: string
}

export interface SignedIn {
  readonly token: string
  readonly certificate: Certificate
  readonly enterprise: Enterprise
}

export type Onward = { readonly next: 'consent' } | { readonly location: string }

export interface Platform {
  readonly id: string
  readonly name: Text
  readonly city?: Text
  readonly uri: string
  readonly phone: string
  readonly joined: boolean
}

export interface PlatformGroup {
  readonly id: string
  readonly title: Text
  readonly platforms: readonly Platform[]
}

export interface City extends Text {
  readonly id: string
  readonly group: string
}

export interface EntityType extends Text {
  readonly id: string
}

export interface BindChoices {
  readonly cities: readonly City[]
  readonly entity_types: readonly EntityType[]
}

export interface BindForm {
  city: string
  legal_representative: string
  phone: string
  address: string
  entity_types: string[]
  email: string
}

export interface Help {
  readonly support: { readonly phone: string }
  readonly platforms: readonly Authority[]
  readonly authorities: readonly Authority[]
}

export interface Package {
  readonly system: string
  readonly file: string
  readonly version: string
  readonly size: number
  readonly sha256: string
  readonly uri: string
}
