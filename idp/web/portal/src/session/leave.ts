/* Leaves the portal for an address that the provider named. */
import { jumpTarget } from '../text/links'
import { ownProblem, Refusal } from '../text/problem'

/* Throws Refusal when the address is not one a browser should be sent to. */
export function leaveFor(address: string): void {
  const target = jumpTarget(new URL(address, window.location.href).href)
  if (!target) throw new Refusal(ownProblem('page.address'))
  window.location.assign(target)
}
