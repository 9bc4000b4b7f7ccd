/* What the page can tell about the bind form before the provider looks at it. The provider's checks
   decide; these only spare a round trip. */
import type { Problem } from '../text/problem'
import type { BindForm } from '../api/types'

export type BindField = keyof BindForm

/* In the order of the page, which is the order in which mistakes are pointed out. */
export const BIND_FIELDS: readonly BindField[] = [
  'city',
  'legal_representative',
  'phone',
  'address',
  'entity_types',
  'email',
]

export const LONGEST: Readonly<
  Record<'legal_representative' | 'phone' | 'address' | 'email', number>
> = {
  legal_representative: 60,
  phone: 30,
  address: 200,
  email: 120,
}

export function emptyForm(): BindForm {
  return {
    city: '',
    legal_representative: '',
    phone: '',
    address: '',
    entity_types: [],
    email: '',
  }
}

/* The form without blanks around what was typed. */
export function trimmed(form: BindForm): BindForm {
  return {
    ...form,
    legal_representative: form.legal_representative.trim(),
    phone: form.phone.trim(),
    address: form.address.trim(),
    email: form.email.trim(),
    entity_types: [...form.entity_types],
  }
}

function isPhone(text: string): boolean {
  return /^\+?[0-9][0-9 -]*$/.test(text) && text.replace(/[^0-9]/g, '').length >= 7
}

function isEmail(text: string): boolean {
  return /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(text)
}

/* The fields that need correcting, of a trimmed form. */
export function wrongFields(form: BindForm): readonly BindField[] {
  const isRight: Readonly<Record<BindField, boolean>> = {
    city: form.city !== '',
    legal_representative: form.legal_representative !== '',
    phone: isPhone(form.phone),
    address: form.address !== '',
    entity_types: form.entity_types.length > 0,
    email: isEmail(form.email),
  }
  return BIND_FIELDS.filter((field) => !isRight[field])
}

/* The field that a provider's refusal form.invalid speaks of, or null. */
export function fieldOf(problem: Pick<Problem, 'code' | 'facts'>): BindField | null {
  if (problem.code !== 'form.invalid') return null
  return BIND_FIELDS.find((field) => field === problem.facts['field']) ?? null
}
