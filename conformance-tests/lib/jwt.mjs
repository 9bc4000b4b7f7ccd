// ID tokens read and verified with node's own cryptography, independent of the provider's code.
import { createPublicKey, verify } from 'node:crypto';

const part = (text) => JSON.parse(Buffer.from(text, 'base64url').toString());

export function decode(token) {
  const [header, payload] = token.split('.').map((text, i) => (i < 2 ? part(text) : text));
  return { header, payload };
}

// Whether the signature is that of the key in the set that the header names; the key's own kind
// decides how it is verified (RFC 8725 section 3.1).
export function signatureIsGood(token, { keys }) {
  const { header } = decode(token);
  const jwk = keys.find(({ kid }) => kid === header.kid);
  if (!jwk || jwk.alg !== header.alg) return false;
  const key = { key: createPublicKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' };
  const cut = token.lastIndexOf('.');
  const signature = Buffer.from(token.slice(cut + 1), 'base64url');
  return verify('sha256', Buffer.from(token.slice(0, cut)), key, signature);
}
