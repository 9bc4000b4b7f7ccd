/* Dates and sizes as the pages show them. Dates are the region's own (China Standard Time), so that
   a certificate ends on the same day on every bidder's screen. */
import type { Language } from './text'

const LOCALE: Record<Language, string> = { zh: 'zh-CN', en: 'en-GB' }

/* A day, from seconds since 1970. */
export function formatDay(seconds: number, language: Language): string {
  return new Intl.DateTimeFormat(LOCALE[language], {
    year: 'numeric',
    month: 'long',
    day: 'numeric',
    timeZone: 'Asia/Shanghai',
  }).format(new Date(seconds * 1000))
}

/* Bytes as KiB or MiB with one decimal. */
export function formatSize(bytes: number): string {
  if (bytes < 1024) return `${String(bytes)} B`
  const kib = bytes / 1024
  return kib < 1024 ? `${kib.toFixed(1)} KiB` : `${(kib / 1024).toFixed(1)} MiB`
}
