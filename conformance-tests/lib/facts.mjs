// What the demo's certificates say, read by node and from the authorities' own books: the facts that
// refusals have to tell.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { authorityOf } from './region.mjs';

const CHINA_MS = 8 * 3600e3;

// The day of a moment in China, as refusals write it.
const day = (moment) => new Date(moment + CHINA_MS).toISOString().slice(0, 10);

export const certificateOf = (lock) => new X509Certificate(readFileSync(lock.certificate));

export const endOf = (lock) => day(Date.parse(certificateOf(lock).validTo));
export const beginningOf = (lock) => day(Date.parse(certificateOf(lock).validFrom));

// When a lock was revoked or put on hold, from the index that `openssl ca` keeps.
export function revokedOn(demo, lock) {
  const { intermediate } = authorityOf(demo, lock.authority);
  const index = readFileSync(path.join(path.dirname(intermediate), 'intermediate.index'), 'utf8');
  const serial = certificateOf(lock).serialNumber;
  const rows = index.split('\n').map((line) => line.split('\t'));
  const [, , revoked] = rows.find((row) => row[0] === 'R' && row[3] === serial);
  const [year, month, date, hour, minute] = revoked.match(/\d\d/g).map(Number);
  return day(Date.UTC(2000 + year, month - 1, date, hour, minute));
}
