/* The portal's JSON calls, one function each. All throw Refusal. */
import { get, post } from '../session/session'
import type {
  Answer,
  BindChoices,
  BindForm,
  Certificate,
  Enterprise,
  Help,
  Interaction,
  Onward,
  Package,
  PlatformGroup,
  Purpose,
  SignedIn,
} from './types'

function withInteraction(interaction: string | null): { interaction?: string } {
  return interaction ? { interaction } : {}
}

export function readInteraction(interaction: string): Promise<Interaction> {
  return get(`/api/interaction?interaction=${encodeURIComponent(interaction)}`)
}

/* A fresh challenge for the lock; it works once and for three minutes. */
export async function takeChallenge(purpose: Purpose, interaction: string | null): Promise<string> {
  const body = { purpose, ...withInteraction(interaction) }
  return (await post<{ challenge: string }>('/api/challenge', body)).challenge
}

/* Tells the provider which certificate is about to sign, so that it can ask about its revocation
   while the bidder types the PIN. */
export async function sendCertificateAhead(certificate: string): Promise<void> {
  await post('/api/certificate', { certificate })
}

export function signIn(answer: Answer, interaction: string | null): Promise<SignedIn> {
  return post('/api/sign-in', { ...withInteraction(interaction), answer })
}

export function continueInteraction(interaction: string): Promise<Onward> {
  return post('/api/continue', { interaction })
}

export async function decideConsent(
  interaction: string,
  decision: 'allow' | 'deny',
): Promise<string> {
  return (await post<{ location: string }>('/api/consent', { interaction, decision })).location
}

export async function listPlatforms(): Promise<readonly PlatformGroup[]> {
  return (await get<{ groups: PlatformGroup[] }>('/api/platforms')).groups
}

export async function launchPlatform(client: string): Promise<string> {
  return (await post<{ location: string }>('/api/launch', { client })).location
}

export function bindChoices(): Promise<BindChoices> {
  return get('/api/bind/choices')
}

export async function readForBinding(answer: Answer): Promise<Certificate> {
  return (await post<{ certificate: Certificate }>('/api/bind/read', { answer })).certificate
}

export async function confirmBinding(form: BindForm): Promise<Enterprise> {
  return (await post<{ enterprise: Enterprise }>('/api/bind/confirm', form)).enterprise
}

export function readHelp(): Promise<Help> {
  return get('/api/help')
}

export async function listPackages(): Promise<readonly Package[]> {
  return (await get<{ packages: Package[] }>('/api/download')).packages
}
