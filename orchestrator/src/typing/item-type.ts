// The type of an item of a step with forEach. Pure.

import type { JsonValue } from '@meshwork/contracts'
import { readTemplate } from '../definition/template.ts'
import { checkCel } from './cel/check.ts'
import { alternatives, anything, itemsOf, join, type Schema } from './schema.ts'

/** `types` are those of what expressions can name. Anything where nothing is known of the list. */
export function itemType(list: JsonValue, types: ReadonlyMap<string, Schema>): Schema {
  const template = readTemplate(list, '', [])
  if (template.kind !== 'expression') return anything
  const lists = alternatives(checkCel(template.expression.node, types).schema).filter(({ kind }) => kind === 'list')
  return lists.length === 0 ? anything : join(lists.map(({ schema }) => itemsOf(schema)))
}

/** What expressions can name in the input of a step with forEach, besides the rest. */
export const itemTypes = (type: Schema): readonly (readonly [string, Schema])[] => [
  ['item', type],
  ['index', { type: 'integer', minimum: 0 }],
]
