import type { LocalStore } from '../data/open.ts'
import type { Readiness } from './health.ts'

/** Probes come every few seconds from many sides; the store is asked once for all of them. */
const askedEveryMs = 10_000

/**
 * Tells at /readyz whether the store can be written. It does not decide: a call that needs no room still works, and one
 * that does is refused with what is wrong.
 */
export function watchStore(readiness: Readiness, store: LocalStore): void {
  let asked = Number.NEGATIVE_INFINITY
  let answer: Promise<string | undefined> = Promise.resolve(undefined)
  readiness.watch('store', async () => {
    if (performance.now() - asked >= askedEveryMs) {
      asked = performance.now()
      answer = store.check().then(
        () => undefined,
        (error: unknown) => (error instanceof Error ? error.message : String(error)),
      )
    }
    return await answer
  })
}
