/* The platform list narrowed by what the bidder typed: every word has to occur in the platform's
   name or city, in either language. Groups that become empty fall out. */
import type { Platform, PlatformGroup } from '../api/types'

function textOf({ name, city }: Platform): string {
  return [name.zh, name.en, city?.zh ?? '', city?.en ?? ''].join(' ').toLowerCase()
}

export function filterGroups(
  groups: readonly PlatformGroup[],
  typed: string,
): readonly PlatformGroup[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean)
  const matches = (platform: Platform): boolean => {
    const text = textOf(platform)
    return words.every((word) => text.includes(word))
  }
  return groups
    .map((group) => ({ ...group, platforms: group.platforms.filter(matches) }))
    .filter((group) => group.platforms.length > 0)
}
