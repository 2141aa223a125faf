// Decides whether the syntax tree of an expression is one scalar expression that may run. Pure.
//
// The tree is what DuckDB's own parser made of `SELECT <text>` (json_serialize_sql), so what is judged is what
// would run. Everything is refused that is not known to be harmless.

import { closest } from '@meshwork/contracts'
import { allowedCasts, allowedFunctions } from './functions.ts'

export type Verdict =
  | { readonly kind: 'allowed'; readonly columns: readonly string[] }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'unknown-column'; readonly column: string }

type Node = { readonly [key: string]: unknown }

const nodesMax = 2000
const literalPatternLengthMax = 200
const literalReplacementLengthMax = 64

const builtInSchemas = new Set(['', 'main', 'pg_catalog', 'system'])
const harmless = new Set(['COMPARISON', 'CONJUNCTION', 'CASE', 'CONSTANT', 'OPERATOR', 'BETWEEN', 'COLLATE'])
const named: Record<string, string> = {
  SUBQUERY: 'a sub-query',
  WINDOW: 'a window function; use a rolling feature',
  STAR: '*',
  PARAMETER: 'a parameter',
  POSITIONAL_REFERENCE: 'a positional reference',
  DEFAULT: 'DEFAULT',
  LAMBDA: 'a lambda',
  ARRAY: 'a list',
  STRUCT_EXTRACT: 'a struct',
}

/** `tree` is the parsed answer of json_serialize_sql; `columns` are the names that may be used. */
export function judge(tree: unknown, columns: readonly string[]): Verdict {
  const statements = (tree as { statements?: Node[] }).statements
  const select = statements?.[0]?.['node'] as Node | undefined
  if (statements?.length !== 1 || select?.['type'] !== 'SELECT_NODE')
    return refused('it must be one expression, not a statement')
  const extra = clauseBesides(select)
  if (extra !== undefined) return refused(`it must be one expression, without ${extra}`)
  const list = select['select_list'] as Node[]
  if (list.length !== 1) return refused(`it must be one expression, not ${list.length}`)
  if (list[0]?.['alias']) return refused('it must not have a name (AS …)')
  return walk(list[0] as Node, columns)
}

function clauseBesides(select: Node): string | undefined {
  if ((select['from_table'] as Node)?.['type'] !== 'EMPTY') return 'FROM'
  if ((select['cte_map'] as { map?: unknown[] } | undefined)?.map?.length) return 'WITH'
  const clauses: Record<string, string> = {
    where_clause: 'WHERE',
    having: 'HAVING',
    qualify: 'QUALIFY',
    sample: 'SAMPLE',
  }
  for (const [key, name] of Object.entries(clauses)) if (select[key]) return name
  if ((select['group_expressions'] as unknown[] | undefined)?.length) return 'GROUP BY'
  if ((select['modifiers'] as unknown[] | undefined)?.length) return 'ORDER BY, LIMIT or DISTINCT'
  return undefined
}

function walk(root: Node, columns: readonly string[]): Verdict {
  const used = new Set<string>()
  const byLower = new Map(columns.map(name => [name.toLowerCase(), name]))
  const open: Node[] = [root]
  let seen = 0
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (++seen > nodesMax) return refused(`it has more than ${nodesMax} parts`)
    const kind = node['class'] as string
    if (kind === 'COLUMN_REF') {
      const path = node['column_names'] as string[]
      const name = path.length === 1 ? byLower.get((path[0] as string).toLowerCase()) : undefined
      if (name === undefined) return { kind: 'unknown-column', column: path.join('.') }
      used.add(name)
    } else if (kind === 'FUNCTION') {
      const reason = functionRefused(node)
      if (reason !== undefined) return refused(reason)
    } else if (kind === 'CAST') {
      const type = (node['cast_type'] as Node)?.['id'] as string
      if (!allowedCasts.has(type)) return refused(`a cast to ${type} is not allowed`)
    } else if (!harmless.has(kind)) {
      return refused(`${named[kind] ?? kind.toLowerCase()} is not allowed`)
    }
    open.push(...childrenOf(node))
  }
  return { kind: 'allowed', columns: [...used] }
}

function functionRefused(node: Node): string | undefined {
  const name = (node['function_name'] as string).toLowerCase()
  if (!allowedFunctions.has(name)) {
    const suggestion = closest(name, [...allowedFunctions])
    return `function ${name}() is not on the list of allowed functions${suggestion === undefined ? '' : `; did you mean ${suggestion}()?`}`
  }
  // Syntax such as extract(… FROM …) is parsed to a function of a built-in schema; there are no other schemas to call.
  if (!builtInSchemas.has(node['schema'] as string)) return `function ${name} must be named without a schema`
  if (node['distinct'] || node['filter'] || (node['order_bys'] as { orders?: unknown[] } | undefined)?.orders?.length)
    return `${name}() is used as an aggregate`
  const limits: Record<string, readonly number[]> = {
    replace: [literalPatternLengthMax, literalReplacementLengthMax],
    regexp_replace: [literalPatternLengthMax, literalReplacementLengthMax],
    regexp_matches: [literalPatternLengthMax],
    regexp_full_match: [literalPatternLengthMax],
    regexp_extract: [literalPatternLengthMax],
  }
  const children = node['children'] as Node[]
  for (const [i, limit] of (limits[name] ?? []).entries()) {
    const value = constantText(children[i + 1])
    if (value === undefined || value.length > limit)
      return `argument ${i + 2} of ${name}() must be a text written out, of at most ${limit} characters`
  }
  return undefined
}

function constantText(node: Node | undefined): string | undefined {
  if (node?.['class'] !== 'CONSTANT') return undefined
  const value = (node['value'] as Node | undefined)?.['value']
  return typeof value === 'string' ? value : undefined
}

/** Every expression directly below a node, wherever the parser keeps it. */
function childrenOf(node: Node): Node[] {
  const found: Node[] = []
  const look = (value: unknown, depth: number): void => {
    if (value === null || typeof value !== 'object' || depth > 4) return
    if (Array.isArray(value)) for (const item of value) look(item, depth + 1)
    else if (typeof (value as Node)['class'] === 'string') found.push(value as Node)
    else for (const item of Object.values(value)) look(item, depth + 1)
  }
  for (const [key, value] of Object.entries(node)) if (key !== 'value' && key !== 'cast_type') look(value, 0)
  return found
}

const refused = (reason: string): Verdict => ({ kind: 'refused', reason })
