// The answers of one operation, then and now.

import { breaking, type ContractFinding, info } from './finding.ts'
import { type Answer, type Change, type Operation, resolved } from './openapi.ts'
import { schemaChanges } from './schema.ts'

export function* answerChanges(
  was: Operation,
  is: Operation,
  change: Change,
  where: string,
): Iterable<ContractFinding> {
  const before = was.responses ?? {}
  const after = is.responses ?? {}
  for (const [status, answer] of Object.entries(before)) {
    const place = `${where} response ${status}`
    const now = after[status]
    if (now) yield* compared(resolved(answer, change.older), resolved(now, change.newer), change, place)
    else if (status.startsWith('2'))
      yield breaking('response-success-removed', place, 'is no longer answered; callers wait for it')
    else if (status === 'default')
      yield breaking('response-default-removed', place, 'what failures look like is no longer said')
    else yield info('response-removed', place, 'is no longer answered')
  }
  for (const [status, answer] of Object.entries(after)) {
    if (before[status]) continue
    const place = `${where} response ${status}`
    const general = before[`${status[0]}XX`] ?? (status.startsWith('2') ? undefined : before.default)
    if (general) yield* compared(resolved(general, change.older), resolved(answer, change.newer), change, place)
    yield info('response-added', place, 'may be answered as well')
  }
}

function* compared(was: Answer, is: Answer, change: Change, where: string): Iterable<ContractFinding> {
  for (const [type, media] of Object.entries(was.content ?? {})) {
    const now = is.content?.[type]
    if (!now)
      yield breaking(
        'response-media-type-removed',
        where,
        `${type} is no longer answered; left are: ${Object.keys(is.content ?? {}).join(', ') || 'none'}`,
      )
    else
      yield* schemaChanges({
        direction: 'response',
        subject: 'response-body',
        where,
        older: { schema: media.schema ?? true, root: change.older },
        newer: { schema: now.schema ?? true, root: change.newer },
      })
  }
  for (const type of Object.keys(is.content ?? {}))
    if (!was.content?.[type]) yield info('response-media-type-added', where, `${type} is answered as well`)
  yield* headerChanges(was, is, change, where)
}

function* headerChanges(was: Answer, is: Answer, change: Change, where: string): Iterable<ContractFinding> {
  const after = new Map(Object.entries(is.headers ?? {}).map(([name, header]) => [name.toLowerCase(), header]))
  for (const [name, given] of Object.entries(was.headers ?? {})) {
    const header = resolved(given, change.older)
    const found = after.get(name.toLowerCase())
    const now = found && resolved(found, change.newer)
    const place = `${where} header "${name}"`
    if (!now) yield breaking('response-header-removed', place, 'is no longer answered')
    else {
      if (header.required && !now.required)
        yield breaking('response-header-became-optional', place, 'may be missing now, and was always there before')
      yield* schemaChanges({
        direction: 'response',
        subject: 'response-header',
        where: place,
        older: { schema: header.schema ?? true, root: change.older },
        newer: { schema: now.schema ?? true, root: change.newer },
      })
    }
  }
}
