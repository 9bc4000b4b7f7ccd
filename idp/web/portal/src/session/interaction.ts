/* The interaction that a page's address carries: set when a platform sent the bidder here with a
   sign-in request. It travels along from page to page as a query parameter. */
import { computed, type ComputedRef } from 'vue'
import { useRoute, type RouteLocationRaw } from 'vue-router'

const LONGEST = 256

/* The query value as an interaction's id, or null. */
export function interactionIn(value: unknown): string | null {
  return typeof value === 'string' && value !== '' && value.length <= LONGEST ? value : null
}

/* A page's address that keeps the interaction. */
export function pageWith(path: string, interaction: string | null): RouteLocationRaw {
  return interaction ? { path, query: { interaction } } : { path }
}

export function useInteraction(): ComputedRef<string | null> {
  const route = useRoute()
  return computed(() => interactionIn(route.query['interaction']))
}
