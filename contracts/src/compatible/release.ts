// All published contracts against those of the last release. A file is named `<service>.v<major>.json`. Pure.

import { compareContracts, type OpenApiDocument } from './document.ts'
import { breaking, type ContractFinding, info } from './finding.ts'

export interface ContractReport {
  /** `features.v1` */
  readonly contract: string
  readonly findings: readonly ContractFinding[]
  /** What to do about what breaks. */
  readonly wayOut?: string
}

export function compareRelease(
  released: ReadonlyMap<string, OpenApiDocument>,
  published: ReadonlyMap<string, OpenApiDocument>,
  today: string,
): ContractReport[] {
  const names = [...new Set([...released.keys(), ...published.keys()])].sort()
  return names.map(contract => {
    const was = released.get(contract)
    const is = published.get(contract)
    if (!was) return { contract, findings: [info('contract-added', contract, 'is new')] }
    if (!is) return gone(contract, was, published, today)
    const findings = compareContracts(was, is, today)
    if (!findings.some(({ level }) => level === 'breaking')) return { contract, findings }
    const next = nextOf(contract)
    const wayOut = published.has(next)
      ? `${next}.json is there: leave ${contract}.json as it was released, both are served side by side`
      : `publish it as ${next}.json, leave ${contract}.json as it was released, and serve both side by side; or make the change one that callers do not notice`
    return { contract, findings, wayOut }
  })
}

const nextOf = (contract: string): string => contract.replace(/\.v(\d+)$/, (_, major) => `.v${Number(major) + 1}`)

/** A whole major may go when each of its operations was deprecated and its day has passed. */
function gone(
  contract: string,
  was: OpenApiDocument,
  published: ReadonlyMap<string, OpenApiDocument>,
  today: string,
): ContractReport {
  const left = compareContracts(was, { openapi: was.openapi, paths: {} }, today).filter(
    ({ level }) => level === 'breaking',
  )
  if (left.length === 0)
    return { contract, findings: [info('contract-removed-after-sunset', contract, 'is gone, as it was to be')] }
  const next = nextOf(contract)
  return {
    contract,
    findings: [
      breaking(
        'contract-removed',
        contract,
        `is no longer published, and ${left.length} of its operations were to stay`,
      ),
    ],
    wayOut: `keep ${contract}.json${published.has(next) ? ` beside ${next}.json` : ''}; an operation may go after it was deprecated and its "x-sunset" has passed`,
  }
}
