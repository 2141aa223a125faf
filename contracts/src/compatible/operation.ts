// One operation, then and now.

import { answerChanges } from './answer.ts'
import { breaking, type ContractFinding, info, warning } from './finding.ts'
import {
  type Body,
  type Change,
  type Operation,
  type Parameter,
  type PlacedOperation,
  resolved,
  type Security,
} from './openapi.ts'
import { schemaChanges } from './schema.ts'

export function operationChanges(was: PlacedOperation, is: PlacedOperation, change: Change): ContractFinding[] {
  const where = `${is.method} ${is.path}`
  return [
    ...parameterChanges(was, is, change, where),
    ...bodyChanges(was.operation.requestBody, is.operation.requestBody, change, where),
    ...answerChanges(was.operation, is.operation, change, where),
    ...securityChanges(was.operation, is.operation, change, where),
    ...lifeChanges(was.operation, is.operation, where),
  ]
}

/** Path parameters are known by their position, others by their name; names of headers have no case. */
function parametersOf({ path, operation }: PlacedOperation): Map<string, Parameter> {
  const names = [...path.matchAll(/\{([^}]*)\}/g)].map(([, name]) => name)
  return new Map(
    (operation.parameters ?? []).map(parameter => {
      const { name, in: place } = parameter
      if (place === 'path') return [`path ${names.indexOf(name)}`, parameter]
      return [`${place} ${place === 'header' ? name.toLowerCase() : name}`, parameter]
    }),
  )
}

const defaultOf = ({ schema }: Parameter): unknown =>
  typeof schema === 'object' ? (schema as { default?: unknown }).default : undefined
const mustBeSent = (parameter: Parameter): boolean => parameter.required === true && defaultOf(parameter) === undefined

function* parameterChanges(
  was: PlacedOperation,
  is: PlacedOperation,
  change: Change,
  where: string,
): Iterable<ContractFinding> {
  const before = parametersOf(was)
  const after = parametersOf(is)
  for (const [key, parameter] of after) {
    const known = before.get(key)
    const place = `${where} ${parameter.in} parameter "${parameter.name}"`
    if (!known) {
      if (mustBeSent(parameter))
        yield breaking(
          'parameter-added-required',
          place,
          'is new and must be sent; give it a default or make it optional',
        )
      else yield info('parameter-added', place, 'is new and need not be sent')
      continue
    }
    if (mustBeSent(parameter) && !mustBeSent(known))
      yield breaking('parameter-became-required', place, 'must be sent now, and need not have been before')
    yield* schemaChanges({
      direction: 'request',
      subject: 'parameter',
      where: place,
      older: { schema: known.schema ?? true, root: change.older },
      newer: { schema: parameter.schema ?? true, root: change.newer },
      defaults: true,
    })
  }
  for (const [key, { in: place, name }] of before)
    if (!after.has(key))
      yield warning(
        'parameter-removed',
        `${where} ${place} parameter "${name}"`,
        'is no longer read: what callers asked for with it is not done',
      )
}

function* bodyChanges(
  givenWas: Body | undefined,
  givenIs: Body | undefined,
  change: Change,
  where: string,
): Iterable<ContractFinding> {
  const was = givenWas && resolved(givenWas, change.older)
  const is = givenIs && resolved(givenIs, change.newer)
  const place = `${where} request`
  if (was && !is) return yield breaking('request-body-removed', place, 'a body is no longer taken')
  if (!is) return
  if (!was) {
    if (is.required)
      yield breaking('request-body-added-required', place, 'a body must be sent now, and none was before')
    else yield info('request-body-added', place, 'a body may be sent now')
    return
  }
  if (is.required && !was.required)
    yield breaking('request-body-became-required', place, 'the body must be sent now, and need not have been before')
  for (const [type, media] of Object.entries(was.content ?? {})) {
    const now = is.content?.[type]
    if (!now)
      yield breaking(
        'request-media-type-removed',
        place,
        `${type} is no longer taken; left are: ${Object.keys(is.content ?? {}).join(', ') || 'none'}`,
      )
    else
      yield* schemaChanges({
        direction: 'request',
        subject: 'request-body',
        where: place,
        older: { schema: media.schema ?? true, root: change.older },
        newer: { schema: now.schema ?? true, root: change.newer },
      })
  }
  for (const type of Object.keys(is.content ?? {}))
    if (!was.content?.[type]) yield info('request-media-type-added', place, `${type} is taken as well`)
}

/** Every way in which a caller could show who it is must still be one. */
function* securityChanges(was: Operation, is: Operation, change: Change, where: string): Iterable<ContractFinding> {
  const before: Security = was.security ?? change.older.security ?? []
  const after: Security = is.security ?? change.newer.security ?? []
  if (after.length === 0) return
  for (const way of before.length === 0 ? [{}] : before)
    if (
      !after.some(needed =>
        Object.entries(needed).every(
          ([scheme, scopes]) => way[scheme] !== undefined && scopes.every(scope => way[scheme]?.includes(scope)),
        ),
      )
    )
      yield breaking(
        'security-narrowed',
        where,
        `${Object.keys(way).join(' and ') || 'a call without credentials'} is no longer enough; needed is: ${after.map(needed => Object.keys(needed).join(' and ') || 'nothing').join(', or ')}`,
      )
}

function* lifeChanges(was: Operation, is: Operation, where: string): Iterable<ContractFinding> {
  if (was.operationId !== is.operationId)
    yield warning(
      'operation-id-changed',
      where,
      `generated clients know it as "${was.operationId ?? ''}", and now as "${is.operationId ?? ''}"`,
    )
  const [then, now] = [was['x-sunset'], is['x-sunset']]
  if (is.deprecated && !was.deprecated)
    yield now === undefined
      ? warning(
          'operation-deprecated-without-sunset',
          where,
          'is deprecated; "x-sunset" should say the day from which it may go',
        )
      : info('operation-deprecated', where, `is deprecated; it may go from ${now}`)
  else if (then !== undefined && (now === undefined ? is.deprecated === true : now < then))
    yield warning(
      'operation-sunset-earlier',
      where,
      `was to stay until ${then}, and now until ${now ?? 'no day that is said'}`,
    )
}
