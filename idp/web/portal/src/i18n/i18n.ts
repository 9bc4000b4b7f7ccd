/* The pages' languages: Chinese first, English complete (its type is the Chinese file's). Messages
   are interpreted by vue-i18n, never turned into code, as the content security policy demands. */
import type { Ref } from 'vue'
import { createI18n } from 'vue-i18n'
import type { Language } from '../text/text'
import { en } from './en'
import { firstLanguage, storeLanguage } from './language'
import { zh } from './zh'

export const i18n = createI18n({
  legacy: false,
  locale: firstLanguage(),
  fallbackLocale: 'zh',
  messages: { zh, en },
})

const TAGS: Record<Language, string> = { zh: 'zh-CN', en: 'en' }

export function currentLanguage(): Language {
  return i18n.global.locale.value === 'en' ? 'en' : 'zh'
}

/* Tells the document, and with it screen readers, which language it is in. */
export function announceLanguage(): void {
  document.documentElement.lang = TAGS[currentLanguage()]
}

export function chooseLanguage(language: Language): void {
  i18n.global.locale.value = language
  storeLanguage(language)
  announceLanguage()
}

/* What the pages use of vue-i18n: a word by its key, whether there is one, the language that is on. */
export interface WordHelpers {
  readonly t: (key: string, named?: Record<string, unknown>) => string
  readonly te: (key: string) => boolean
  readonly locale: Readonly<Ref<string>>
}

export function useWords(): WordHelpers {
  const { t, te, locale } = i18n.global
  return {
    t: (key, named) => (named ? t(key, named) : t(key)),
    te: (key) => te(key),
    locale,
  }
}
