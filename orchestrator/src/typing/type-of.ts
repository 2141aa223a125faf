// The type of what a template gives. Pure.

import type { JsonValue } from '@meshwork/contracts'
import type { Template } from '../definition/template.ts'
import { checkCel } from './cel/check.ts'
import { anything, join, type Schema } from './schema.ts'

export function typeOf(template: Template, types: ReadonlyMap<string, Schema>): Schema {
  switch (template.kind) {
    case 'value':
      return ofValue(template.value)
    case 'expression':
      return checkCel(template.expression.node, types).schema
    case 'text':
      return { type: 'string' }
    case 'list':
      return { type: 'array', items: join(template.items.map(item => typeOf(item, types))) }
    case 'map':
      return {
        type: 'object',
        properties: Object.fromEntries(template.entries.map(([key, value]) => [key, typeOf(value, types)])),
        required: template.entries.map(([key]) => key),
        additionalProperties: false,
      }
  }
}

function ofValue(value: JsonValue): Schema {
  if (value === null) return { type: 'null' }
  if (typeof value === 'number') return { type: Number.isInteger(value) ? 'integer' : 'number' }
  return typeof value === 'string' || typeof value === 'boolean' ? { type: typeof value } : anything
}
