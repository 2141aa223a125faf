// An earlier major version of a stage's contract, served beside the newest: calls are translated, the work is one.

import type { TSchema } from 'typebox'

/** The pure functions that lead from one contract to the other and back. */
export interface EarlierMajor {
  readonly major: number
  readonly input: TSchema
  readonly output: TSchema
  /** Days (YYYY-MM-DD): since when it should not be used for new work, and from when it may be gone. */
  readonly deprecated: string
  readonly sunset: string
  /** The body of a call as the newest contract has it. A plan's body comes here as well: it may hold unknown values. */
  readonly toNewest: (body: unknown) => unknown
  readonly fromNewest: (output: unknown) => unknown
  /** Places that are called differently: in the newest input, and in the earlier one. */
  readonly pointers?: readonly (readonly [newest: string, earlier: string])[]
}

/** Response headers of an earlier major: RFC 9745 and RFC 8594. */
export function sunsetHeaders({ deprecated, sunset }: EarlierMajor): Record<string, string> {
  return {
    deprecation: `@${Math.floor(Date.parse(deprecated) / 1000)}`,
    sunset: new Date(sunset).toUTCString(),
  }
}

/** A place of the newest input, as the caller of the earlier contract knows it. */
export function earlierPointer({ pointers = [] }: EarlierMajor, pointer: string): string {
  for (const [newest, earlier] of pointers)
    if (pointer === newest || pointer.startsWith(`${newest}/`)) return earlier + pointer.slice(newest.length)
  return pointer
}

export function checkEarlier(name: string, newest: number, earlier: readonly EarlierMajor[]): void {
  const majors = earlier.map(({ major }) => major)
  if (new Set([...majors, newest]).size !== majors.length + 1 || majors.some(major => major < 1 || major > newest))
    throw new TypeError(`earlier majors of stage "${name}" must be different and below ${newest}: ${majors.join(', ')}`)
  for (const { major, deprecated, sunset } of earlier)
    if (!(Date.parse(deprecated) < Date.parse(sunset)))
      throw new TypeError(
        `major ${major} of stage "${name}" must be deprecated before its sunset: ${deprecated}, ${sunset}`,
      )
}
