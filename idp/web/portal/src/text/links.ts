/* Addresses that come from data (a platform's metadata, the provider's answers) before they become
   a link or a jump. Only http and https pages, and for jumps also an application's private scheme
   (RFC 8252 section 7.1); never a scheme that runs or embeds content. */

const PAGE_SCHEMES: readonly string[] = ['http:', 'https:']
const CONTENT_SCHEMES: readonly string[] = [
  'javascript:',
  'data:',
  'vbscript:',
  'blob:',
  'file:',
  'filesystem:',
  'about:',
  'view-source:',
]

function parse(address: string | null | undefined): URL | null {
  if (!address) return null
  try {
    return new URL(address)
  } catch {
    return null
  }
}

/* The address when it is an absolute http or https address, else null. */
export function pageLink(address: string | null | undefined): string | null {
  const url = parse(address)
  return url && PAGE_SCHEMES.includes(url.protocol) ? url.href : null
}

/* The address when it is an image that the content security policy lets in (https), else null. */
export function imageLink(address: string | null | undefined): string | null {
  const url = parse(address)
  return url?.protocol === 'https:' ? url.href : null
}

/* Where the browser may be sent by an answer of the provider, else null. */
export function jumpTarget(address: string): string | null {
  const url = parse(address)
  return url && !CONTENT_SCHEMES.includes(url.protocol) ? url.href : null
}

/* host[:port] of a page address, shown so that a bidder sees whose platform it is. */
export function hostOf(address: string | null | undefined): string {
  const url = parse(address)
  return url && PAGE_SCHEMES.includes(url.protocol) ? url.host : ''
}

/* tel: address of a phone number as people write it. */
export function telephoneLink(phone: string): string {
  return 'tel:' + phone.replace(/[^0-9+]/g, '')
}
