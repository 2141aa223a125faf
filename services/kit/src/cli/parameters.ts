import type { Stage } from '../stage/define.ts'

interface Schema {
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly Schema[]
  readonly items?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly description?: string
  readonly default?: unknown
  readonly title?: string
}

/** The parameters of a stage as text, from its schema. */
export function describeParameters(stage: Stage): string {
  const { properties = {}, required = [] } = stage.input as Schema
  const lines = Object.entries(properties).map(([name, schema]) => {
    const need = required.includes(name)
      ? 'needed'
      : schema.default === undefined
        ? 'optional'
        : `default ${JSON.stringify(schema.default)}`
    return `  ${name.padEnd(16)} ${typeOf(schema)} (${need})${schema.description ? `\n${' '.repeat(19)}${schema.description}` : ''}`
  })
  return [`${stage.name} ${stage.version}: ${stage.summary}`, '', 'Parameters:', ...lines].join('\n')
}

function typeOf(schema: Schema): string {
  if (schema.title) return schema.title
  if ('const' in schema) return JSON.stringify(schema.const)
  if (schema.enum) return schema.enum.map(value => JSON.stringify(value)).join(' | ')
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(' | ')
  if (schema.type === 'array') return `list of ${schema.items ? typeOf(schema.items) : 'anything'}`
  return schema.type ?? 'any'
}
