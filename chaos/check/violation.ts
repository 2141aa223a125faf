export interface Violation {
  /** Which promise is broken. */
  readonly promise: string
  readonly run: string
  readonly detail: string
}
