/* May this page reach the assistant? Chromium from 142 on asks the user before a public page may
   call a loopback address (Local Network Access); older browsers and pages that are on loopback
   themselves are not asked. The page explains before it makes the browser ask. */

/* free: no question will come · ask: the browser will ask · denied: the user or a policy said no. */
export type Reach = 'free' | 'ask' | 'denied'

/* Chromium 145 split the permission in two and kept the older name as an alias. */
const PERMISSION_NAMES: readonly string[] = ['loopback-network', 'local-network-access']

export function isLoopbackHost(host: string): boolean {
  const name = host.toLowerCase()
  if (name === 'localhost' || name.endsWith('.localhost') || name === '[::1]') return true
  return /^127(\.\d{1,3}){3}$/.test(name)
}

async function query(name: string): Promise<PermissionStatus | null> {
  try {
    return await navigator.permissions.query({ name: name as PermissionName })
  } catch {
    return null
  }
}

async function permission(): Promise<PermissionStatus | null> {
  for (const name of PERMISSION_NAMES) {
    const status = await query(name)
    if (status) return status
  }
  return null
}

/* Whether the browser lets this page reach the assistant. Never makes the browser ask. A page that is
   on loopback itself needs no permission, whatever the browser says of its state. */
export async function reachOfAssistant(): Promise<Reach> {
  if (isLoopbackHost(window.location.hostname)) return 'free'
  const status = await permission()
  if (status?.state === 'denied') return 'denied'
  return !status || status.state === 'granted' ? 'free' : 'ask'
}
