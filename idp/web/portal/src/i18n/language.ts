/* Which language a visit starts in: the one chosen before on this computer, else the first of the
   browser's that the portal speaks, else Chinese. */
import type { Language } from '../text/text'

const KEY = 'tamga.language'

function isLanguage(value: string | null): value is Language {
  return value === 'zh' || value === 'en'
}

/* Storage may be switched off; then the choice lasts as long as the page. */
function storedLanguage(): string | null {
  try {
    return window.localStorage.getItem(KEY)
  } catch {
    return null
  }
}

export function storeLanguage(language: Language): void {
  try {
    window.localStorage.setItem(KEY, language)
  } catch {
    /* The choice then lasts as long as the page. */
  }
}

/* The first of the browser's languages (BCP 47 tags) that the portal speaks. */
export function languageAmong(tags: readonly string[]): Language {
  for (const tag of tags) {
    const primary = tag.toLowerCase().split('-')[0] ?? ''
    if (isLanguage(primary)) return primary
  }
  return 'zh'
}

export function firstLanguage(): Language {
  const stored = storedLanguage()
  return isLanguage(stored) ? stored : languageAmong(navigator.languages)
}
