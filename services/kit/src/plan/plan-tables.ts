// A DuckDB session without data, in which users' expressions are bound and selects are described. One for the process:
// a plan takes milliseconds, and opening a session takes more. It is locked like any other; nothing of a user stays in it.

import { join } from 'node:path'
import { ProblemError } from '@meshwork/contracts'
import type { Column } from '@meshwork/contracts'
import { type CheckedExpression, checkExpression } from '../data/expression/check.ts'
import { type Row, Session } from '../data/session.ts'

export interface PlanTables {
  expression(source: string, where: string, columns: readonly Column[]): Promise<CheckedExpression>
  /** Name and DuckDB type of each column that a select gives, without running it. */
  describe(select: string): Promise<{ name: string; type: string }[]>
  /** A statement over constants. */
  query(sql: string): Promise<Row[]>
}

const memoryBytes = 128e6
let shared: Promise<Session> | undefined

export function planTables(scratchRoot: string): PlanTables {
  const use = async <T>(work: (session: Session) => Promise<T>): Promise<T> => {
    shared ??= Session.open({ files: [], scratch: join(scratchRoot, `plan-${process.pid}`), lanes: 1, memoryBytes })
    const session = await shared
    try {
      return await work(session)
    } catch (error) {
      // What is no problem of the expression may be one of the session.
      if (!(error instanceof ProblemError)) closePlanTables()
      throw error
    }
  }
  return {
    expression: async (source, where, columns) =>
      await use(async session => await checkExpression(session, source, where, columns)),
    describe: async select => await use(async session => await session.describe(select)),
    query: async sql => await use(async session => await session.query(sql)),
  }
}

/** Ends the session of this process; the next plan opens another. */
export function closePlanTables(): void {
  const last = shared
  shared = undefined
  void last?.then(
    session => session.close(),
    () => {},
  )
}
