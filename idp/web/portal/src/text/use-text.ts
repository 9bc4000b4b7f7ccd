/* The data's own texts ({zh, en}) and dates in the language that is on. */
import { useWords } from '../i18n/i18n'
import { formatDay } from './format'
import { inLanguage, type Language, type Text } from './text'

export interface TextHelpers {
  readonly language: () => Language
  readonly say: (text: Text | string) => string
  readonly day: (seconds: number) => string
}

export function useText(): TextHelpers {
  const { locale } = useWords()
  const language = (): Language => (locale.value === 'en' ? 'en' : 'zh')
  return {
    language,
    say: (text) => inLanguage(text, language()),
    day: (seconds) => formatDay(seconds, language()),
  }
}
