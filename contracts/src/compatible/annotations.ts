// What a validator does not see and a caller may notice: another default, a property that is to go.

import { canonicalJson } from '../canonical.ts'
import { type JsonSchema, resolve } from '../subtype/schema.ts'
import { type ContractFinding, findingsMax, info, warning } from './finding.ts'

interface End {
  readonly schema: JsonSchema
  readonly root: object
}
type Annotated = Readonly<Record<string, unknown>> & { readonly properties?: Readonly<Record<string, JsonSchema>> }

const depthMax = 30

export function annotationChanges(older: End, newer: End, subject: string, where: string): ContractFinding[] {
  const found: ContractFinding[] = []
  const seen = new Set<JsonSchema>()
  const visit = (was: JsonSchema, is: JsonSchema, path: string, depth: number): void => {
    if (depth > depthMax || found.length >= findingsMax || typeof was === 'boolean' || typeof is === 'boolean') return
    const place = `${where}${path === '' ? '' : ` ${path}`}`
    found.push(...changed(was as Annotated, is as Annotated, subject, place))
    const before = followed(was, older.root)
    const after = followed(is, newer.root)
    if (!before || !after || seen.has(before)) return
    seen.add(before)
    if (before !== was || after !== is) found.push(...changed(before, after, subject, place))
    for (const [key, property] of Object.entries(before.properties ?? {})) {
      const now = after.properties?.[key]
      if (now !== undefined) visit(property, now, `${path}/${key}`, depth + 1)
    }
    for (const keyword of ['items', 'additionalProperties'] as const)
      if (before[keyword] !== undefined && after[keyword] !== undefined)
        visit(before[keyword] as JsonSchema, after[keyword] as JsonSchema, `${path}/*`, depth + 1)
    for (const keyword of ['anyOf', 'oneOf', 'allOf'] as const) {
      const [then = [], now = []] = [before[keyword], after[keyword]] as [JsonSchema[]?, JsonSchema[]?]
      if (then.length === now.length) then.forEach((branch, i) => visit(branch, now[i] ?? true, path, depth + 1))
    }
  }
  visit(older.schema, newer.schema, '', 0)
  return found
}

function followed(schema: JsonSchema, root: object): Annotated | undefined {
  try {
    const target = resolve(schema, root)
    return typeof target === 'boolean' ? undefined : (target as Annotated)
  } catch {
    return undefined
  }
}

function changed(was: Annotated, is: Annotated, subject: string, where: string): ContractFinding[] {
  const found: ContractFinding[] = []
  const [before, after] = [was.default, is.default].map(value => (value === undefined ? 'none' : canonicalJson(value)))
  if (before !== after)
    found.push(
      warning(
        `${subject}-default`,
        where,
        `the default was ${before} and is ${after}: callers that leave it out get another result`,
      ),
    )
  if (is.deprecated === true && was.deprecated !== true)
    found.push(
      is['x-sunset'] === undefined
        ? warning(
            `${subject}-deprecated-without-sunset`,
            where,
            'is deprecated; "x-sunset" should say the day from which it may go',
          )
        : info(`${subject}-deprecated`, where, `is deprecated; it may go from ${canonicalJson(is['x-sunset'])}`),
    )
  return found
}
