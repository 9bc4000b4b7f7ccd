/* Program versions: numbers joined by dots, compared number by number. */

function numbers(version: string): number[] {
  return version.split('.').map((part) => Number.parseInt(part, 10) || 0)
}

/* Whether version is at least minimum. What is no number counts as 0, missing parts too. */
export function isAtLeast(version: string, minimum: string): boolean {
  const have = numbers(version)
  const want = numbers(minimum)
  for (let i = 0; i < Math.max(have.length, want.length); i++) {
    const difference = (have[i] ?? 0) - (want[i] ?? 0)
    if (difference !== 0) return difference > 0
  }
  return true
}
