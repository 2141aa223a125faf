// JSON Schemas of custom resources from their definitions, strict: a field that the definition does not have is refused,
// as an API server refuses it in strict validation.

export interface Definition {
  readonly spec: {
    readonly group: string
    readonly names: { readonly kind: string }
    readonly versions: readonly { readonly name: string; readonly schema: { readonly openAPIV3Schema: Schema } }[]
  }
}
export interface Schema {
  readonly [key: string]: unknown
  readonly type?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: Schema | boolean
  readonly items?: Schema
}

/** A file for each version that the definition serves, named as `schemaTemplate` asks for it. */
export function schemasOf({ spec }: Definition): { file: string; schema: Schema }[] {
  return spec.versions.map(({ name, schema }) => ({
    file: `${spec.group}_${spec.names.kind.toLowerCase()}_${name}.json`,
    schema: strict(schema.openAPIV3Schema),
  }))
}

/** For kubeconform. */
export const schemaTemplate = '{{ .Group }}_{{ .ResourceKind }}_{{ .ResourceAPIVersion }}.json'

export function strict(schema: Schema): Schema {
  const { nullable, ...rest } = schema
  const result: Record<string, unknown> = { ...rest }
  for (const key of ['allOf', 'anyOf', 'oneOf'])
    if (Array.isArray(schema[key])) result[key] = (schema[key] as Schema[]).map(strictPart)
  if (schema.items) result['items'] = strict(schema.items)
  if (schema.properties) result['properties'] = eachOf(schema.properties)
  if (typeof schema.additionalProperties === 'object')
    result['additionalProperties'] = strict(schema.additionalProperties)
  else if (
    schema.properties &&
    schema['x-kubernetes-preserve-unknown-fields'] !== true &&
    !('additionalProperties' in schema)
  )
    result['additionalProperties'] = false
  if (nullable === true && schema.type !== undefined) result['type'] = [schema.type, 'null']
  return result
}

/** A part of a choice says more about fields that stand beside it, and is closed by what it is a part of. */
function strictPart(schema: Schema): Schema {
  const { additionalProperties: _, ...open } = strict(schema)
  return 'additionalProperties' in schema ? strict(schema) : open
}

const eachOf = (schemas: Readonly<Record<string, Schema>>): Record<string, Schema> =>
  Object.fromEntries(Object.entries(schemas).map(([key, value]) => [key, strict(value)]))
