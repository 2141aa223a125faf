// Two OpenAPI documents of one major version: does every caller of the older one get on with the newer? Pure.

import { breaking, type ContractFinding, findingsMax, info } from './finding.ts'
import { type Change, type OpenApiDocument, operationsOf } from './openapi.ts'
import { operationChanges } from './operation.ts'

export type { OpenApiDocument } from './openapi.ts'

/** `today` (YYYY-MM-DD) decides whether the sunset of an operation that went has passed. At most 200 findings. */
export function compareContracts(older: OpenApiDocument, newer: OpenApiDocument, today: string): ContractFinding[] {
  const change: Change = { older, newer }
  const before = operationsOf(older)
  const after = operationsOf(newer)
  const found: ContractFinding[] = []
  for (const [key, was] of before) {
    const is = after.get(key)
    if (is) found.push(...operationChanges(was, is, change))
    else
      found.push(
        removed(`${was.method} ${was.path}`, was.operation['x-sunset'], was.operation.deprecated === true, today),
      )
  }
  for (const [key, { method, path }] of after)
    if (!before.has(key)) found.push(info('operation-added', `${method} ${path}`, 'is new'))
  return distinct(found).sort(worstFirst).slice(0, findingsMax)
}

function removed(where: string, sunset: string | undefined, deprecated: boolean, today: string): ContractFinding {
  if (deprecated && sunset !== undefined && sunset <= today)
    return info('operation-removed-after-sunset', where, `is gone, as it was to be from ${sunset}`)
  const until =
    sunset === undefined ? 'without having been deprecated with a day of sunset' : `before its sunset on ${sunset}`
  return breaking('operation-removed', where, `is gone ${until}`)
}

const distinct = (findings: readonly ContractFinding[]): ContractFinding[] => [
  ...new Map(findings.map(finding => [`${finding.rule} ${finding.where} ${finding.detail}`, finding])).values(),
]

const order = { breaking: 0, warning: 1, info: 2 }
const worstFirst = (a: ContractFinding, b: ContractFinding): number => order[a.level] - order[b.level]
