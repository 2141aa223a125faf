import { compile, type Contract, StageInfo } from '@meshwork/contracts'
import type { StageContract } from '../typing/check-types.ts'

/** A running version of a stage at an address, as it described itself. */
export interface Deployment {
  readonly stage: string
  /** Origin, without a slash at the end. */
  readonly url: string
  readonly version: string
  readonly majors: readonly number[]
  /** Contract of the answers of each major. */
  readonly outputs: ReadonlyMap<number, Contract>
  /** Schemas of what each major takes and answers. */
  readonly contracts: ReadonlyMap<number, StageContract>
  /** Whether it can tell what a call would answer. */
  readonly plans: boolean
}

export type Described =
  | { readonly kind: 'stage'; readonly deployment: Deployment }
  | { readonly kind: 'not-one'; readonly reason: string }

/** Reads what `GET /v1/stage` answered. */
export function readStageInfo(url: string, value: unknown): Described {
  const [fault] = compile(StageInfo).check(value)
  if (fault) return { kind: 'not-one', reason: `GET /v1/stage: ${fault.pointer} ${fault.detail}` }
  const info = value as StageInfo
  const outputs = new Map<number, Contract>()
  for (const { major, output } of info.contracts) {
    try {
      outputs.set(major, compile(output))
    } catch (error) {
      return { kind: 'not-one', reason: `the output schema of version ${major} cannot be used: ${String(error)}` }
    }
  }
  const { name: stage, version, capabilities } = info
  const contracts = new Map(info.contracts.map(({ major, ...contract }) => [major, contract as StageContract]))
  const majors = info.contracts.map(({ major }) => major)
  return { kind: 'stage', deployment: { stage, url, version, majors, outputs, contracts, plans: capabilities.plan } }
}
