// Parameters of a run against what the steps make of them: a value that a stage would refuse is refused at the start.
// The same parameters are looked at once.

import { canonicalJson, type JsonValue, type ProblemItem } from '@meshwork/contracts'
import { contractsOf, type KnownStage } from '../definition/check.ts'
import type { WorkflowRow } from '../store/rows.ts'
import { checkTypes } from '../typing/check-types.ts'

const keptMax = 1000
const keyLengthMax = 4096

export class StartChecks {
  readonly #passed = new Set<string>()

  check(row: WorkflowRow, params: Readonly<Record<string, JsonValue>>, stages: readonly KnownStage[]): ProblemItem[] {
    const key = `${row.name}@${row.version} ${canonicalJson(params)}`
    if (this.#passed.has(key)) return []
    const found = checkTypes(row.document, contractsOf(row.document, stages), params)
    const faults = found.filter(({ code }) => code === 'param-value')
    if (faults.length === 0) this.#keep(key)
    return faults.map(({ pointer, detail, code }) => ({ pointer, detail, code }))
  }

  #keep(key: string): void {
    if (key.length > keyLengthMax) return
    const [oldest] = this.#passed
    if (this.#passed.size >= keptMax && oldest !== undefined) this.#passed.delete(oldest)
    this.#passed.add(key)
  }
}
