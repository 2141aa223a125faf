import type { Column } from '@meshwork/contracts'

/** A column that an operation makes: SQL over the columns before it. */
export interface Made {
  readonly column: Column
  readonly sql: string
}
