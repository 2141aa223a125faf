/** One line of the error table. `message` names the thing, the fact and the way out; `{name}` is filled from `params`. */
export interface ErrorRow {
  readonly status: number
  /** Whether the same request may succeed if it is sent again unchanged. */
  readonly retryable: boolean
  readonly title: string
  readonly message: string
}

export const errorTable = <const T extends Record<`MESHWORK_${string}`, ErrorRow>>(rows: T): T => rows
