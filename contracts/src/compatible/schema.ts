// A schema then and now, in one of the two directions: what callers may send must still be taken, and what is answered
// must have been promised before.

import { type JsonSchema, type SubtypeRule, subtypeFindings, type Verdict } from '../subtype/subtype.ts'
import { annotationChanges } from './annotations.ts'
import { breaking, type ContractFinding, info } from './finding.ts'
import { openEnums } from './open-enums.ts'

export type Direction = 'request' | 'response'

export interface SchemaChange {
  readonly direction: Direction
  /** What of the operation: `request-body`, `response-header`. It begins the names of rules. */
  readonly subject: string
  readonly where: string
  readonly older: { readonly schema: JsonSchema; readonly root: object }
  readonly newer: { readonly schema: JsonSchema; readonly root: object }
  /** Missing values are given the default: of parameters, not of bodies. */
  readonly defaults?: boolean
}

export function schemaChanges(change: SchemaChange): ContractFinding[] {
  const { direction, subject, where } = change
  const { older, newer } =
    direction === 'request' ? change : { older: openEnums(change.older), newer: openEnums(change.newer) }
  const [producer, consumer] = direction === 'request' ? [older, newer] : [newer, older]
  // A caller sends what is declared, and leaves alone the keys of an answer that it does not know. A service refuses
  // keys that it does not know.
  const verdicts = subtypeFindings(producer.schema, consumer.schema, {
    closedProducer: true,
    stripExtra: direction === 'response',
    defaults: change.defaults ?? false,
    producerRoot: producer.root,
    consumerRoot: consumer.root,
  })
  const found = verdicts.map(verdict => told(verdict, direction, subject, where))
  const widened =
    found.length === 0 &&
    subtypeFindings(consumer.schema, producer.schema, {
      closedProducer: true,
      producerRoot: consumer.root,
      consumerRoot: producer.root,
    }).length > 0
  const harmless = widened
    ? [
        info(
          `${subject}-${direction === 'request' ? 'widened' : 'narrowed'}`,
          where,
          'changed, and fits what was there',
        ),
      ]
    : []
  return [...found, ...harmless, ...annotationChanges(older, newer, subject, where)]
}

function told(
  verdict: Exclude<Verdict, { kind: 'yes' }>,
  direction: Direction,
  subject: string,
  where: string,
): ContractFinding {
  const place = `${where}${verdict.path === '' ? '' : ` ${verdict.path}`}`
  const example =
    verdict.kind === 'no' && verdict.witness !== undefined ? `; for example ${short(verdict.witness)}` : ''
  if (verdict.kind === 'unknown')
    return breaking(`${subject}-unproven`, place, `it cannot be shown that this does not break: ${verdict.reason}`)
  return breaking(`${subject}-${verdict.rule}`, place, `${inWords(verdict.rule, verdict.reason, direction)}${example}`)
}

function inWords(rule: SubtypeRule, reason: string, direction: Direction): string {
  if (rule === 'required')
    return direction === 'request'
      ? 'must be sent now, and need not have been before'
      : 'may be missing now, and was always there before'
  if (rule === 'extra')
    return direction === 'request'
      ? 'could be sent before, and is refused now'
      : 'may hold keys now that were ruled out before'
  return direction === 'request'
    ? `what could be sent before is refused now: ${reason}`
    : `what was not promised before may be answered now: ${reason}`
}

const short = (value: unknown): string => {
  const text = JSON.stringify(value)
  return text.length > 160 ? `${text.slice(0, 157)}…` : text
}
