// An independent judge of single values: ajv, and what stripping, defaults and closing do to a value or a schema, written
// out plainly. Inside `oneOf` nothing is stripped or given.

import Format from 'typebox/format'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import type { Loose, Schema } from './schemas.ts'

type Node = Record<string, Loose>

export class Judge {
  readonly #ajv = new Ajv2020({ strict: false, logger: false, formats: { date: value => Format.Test('date', value) } })
  readonly #compiled = new Map<Schema, ValidateFunction>()

  accepts(schema: Schema, value: unknown, root: Schema = schema): boolean {
    let validate = this.#compiled.get(schema)
    if (!validate) {
      const $defs = typeof root === 'object' ? root.$defs : undefined
      validate = this.#ajv.compile(
        typeof schema === 'object' ? { ...structuredClone(schema), ...($defs ? { $defs } : {}) } : schema,
      )
      this.#compiled.set(schema, validate)
    }
    return validate(value)
  }

  treated(schema: Schema, value: unknown, treatment: { stripExtra?: boolean; defaults?: boolean }): unknown {
    return this.#treat(schema, structuredClone(value), schema, treatment)
  }

  #treat(schema: Schema | undefined, value: Loose, root: Schema, treatment: Node): unknown {
    if (typeof schema !== 'object' || typeof value !== 'object' || value === null) return value
    const node: Node = schema
    if (node.$ref) return this.#treat((root as Node).$defs.T, value, root, treatment)
    let result = value
    for (const part of node.allOf ?? []) result = this.#treat(part, result, root, treatment)
    if (Array.isArray(result))
      result = result.map((item, i) => this.#treat(node.prefixItems?.[i] ?? node.items, item, root, treatment))
    else if (node.type === undefined || [node.type].flat().includes('object'))
      this.#treatObject(node, result, root, treatment)
    for (const branch of node.anyOf ?? []) {
      const tried = this.#treat(branch, structuredClone(result), root, treatment)
      if (this.accepts(branch, tried, root)) return tried
    }
    return result
  }

  #treatObject(node: Node, value: Node, root: Schema, treatment: Node): void {
    const properties: Node = node.properties ?? {}
    for (const key of Object.keys(value)) {
      const matched = Object.keys(node.patternProperties ?? {}).filter(pattern => new RegExp(pattern, 'u').test(key))
      if (!Object.hasOwn(properties, key) && matched.length === 0) {
        if (node.additionalProperties === false && treatment.stripExtra) delete value[key]
        else value[key] = this.#treat(node.additionalProperties, value[key], root, treatment)
        continue
      }
      if (Object.hasOwn(properties, key)) value[key] = this.#treat(properties[key], value[key], root, treatment)
      for (const pattern of matched)
        value[key] = this.#treat(node.patternProperties[pattern], value[key], root, treatment)
    }
    if (treatment.defaults)
      for (const [key, property] of Object.entries(properties))
        if (!Object.hasOwn(value, key) && property?.default !== undefined)
          value[key] = structuredClone(property.default)
  }
}

/** The schema with every object closed that declares properties and does not say whether there are others. */
export function closed(schema: Schema): Schema {
  if (typeof schema !== 'object') return schema
  const close = (value: unknown, isMap: boolean): unknown => {
    if (Array.isArray(value)) return value.map(each => close(each, false))
    if (typeof value !== 'object' || value === null) return value
    const copy: Node = {}
    for (const [key, inner] of Object.entries(value))
      copy[key] =
        !isMap && ['enum', 'const', 'required', 'default', 'not', 'if', 'then', 'contains'].includes(key)
          ? inner
          : close(inner, !isMap && ['properties', '$defs', 'patternProperties'].includes(key))
    const record = copy.patternProperties && Object.keys(copy.patternProperties).includes('^.*$')
    if (
      !isMap &&
      copy.properties &&
      Object.keys(copy.properties).length > 0 &&
      copy.additionalProperties === undefined &&
      !record
    )
      copy.additionalProperties = false
    return copy
  }
  return close(schema, false) as Schema
}
