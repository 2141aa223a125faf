// The trace of a run (W3C traceparent). Every call is a span of it.

import { randomBytes } from 'node:crypto'

/** The trace that was given, or a new one. */
export const traceparentOf = (given: string | undefined): string =>
  given !== undefined && /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.test(given)
    ? given
    : `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`

/** The same trace, a new span. */
export function childOf(traceparent: string): string {
  const [version, trace] = traceparent.split('-')
  return `${version}-${trace}-${randomBytes(8).toString('hex')}-01`
}
