/* A text in the portal's two languages, as the provider's JSON calls carry them. */
export interface Text {
  readonly zh: string
  readonly en: string
}

export type Language = 'zh' | 'en'

/* The text in one language. A plain string stands for itself (names that have one form only); an
   empty translation falls back to the other language, so that nothing is ever shown blank. */
export function inLanguage(text: Text | string, language: Language): string {
  if (typeof text === 'string') return text
  const other = language === 'zh' ? 'en' : 'zh'
  return text[language] || text[other]
}
