/** breaking: a caller of the older contract may fail. warning: it may behave otherwise. info: it will not notice. */
export type Level = 'breaking' | 'warning' | 'info'

export interface ContractFinding {
  readonly level: Level
  /** Stable name of what was found, such as `request-body-required`. */
  readonly rule: string
  /** The operation, what of it, and a JSON pointer into that: `POST /v1/clean request /rules/*`. */
  readonly where: string
  readonly detail: string
}

/** At most so many are told of one contract. */
export const findingsMax = 200

export const breaking = (rule: string, where: string, detail: string): ContractFinding => ({
  level: 'breaking',
  rule,
  where,
  detail,
})
export const warning = (rule: string, where: string, detail: string): ContractFinding => ({
  level: 'warning',
  rule,
  where,
  detail,
})
export const info = (rule: string, where: string, detail: string): ContractFinding => ({
  level: 'info',
  rule,
  where,
  detail,
})
