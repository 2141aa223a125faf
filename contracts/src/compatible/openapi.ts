// As much of an OpenAPI 3.1 document as contracts are compared by.

import type { JsonSchema } from '../subtype/subtype.ts'

export interface Parameter {
  readonly name: string
  readonly in: string
  readonly required?: boolean
  readonly schema?: JsonSchema
  readonly deprecated?: boolean
}
export interface MediaType {
  readonly schema?: JsonSchema
}
export interface Body {
  readonly required?: boolean
  readonly content?: Readonly<Record<string, MediaType>>
}
export interface Answer {
  readonly content?: Readonly<Record<string, MediaType>>
  readonly headers?: Readonly<Record<string, { readonly required?: boolean; readonly schema?: JsonSchema }>>
}
export type Security = readonly Readonly<Record<string, readonly string[]>>[]
export interface Operation {
  readonly operationId?: string
  readonly deprecated?: boolean
  readonly 'x-sunset'?: string
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: Body
  readonly responses?: Readonly<Record<string, Answer>>
  readonly security?: Security
}
export interface OpenApiDocument {
  readonly openapi: string
  readonly info?: { readonly title?: string; readonly version?: string }
  readonly paths?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly security?: Security
}

/** Two ends of a change. */
export interface Change {
  readonly older: OpenApiDocument
  readonly newer: OpenApiDocument
}

const methods = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'] as const

export interface PlacedOperation {
  readonly method: string
  readonly path: string
  readonly operation: Operation
}

/** Operations by method and path; names of path parameters are of no account to a caller. */
export function operationsOf(document: OpenApiDocument): Map<string, PlacedOperation> {
  const found = new Map<string, PlacedOperation>()
  for (const [path, item] of Object.entries(document.paths ?? {}))
    for (const method of methods) {
      const operation = item[method] as Operation | undefined
      if (!operation) continue
      const shared = (item.parameters ?? []) as readonly Parameter[]
      const own = (operation.parameters ?? []).map(parameter => resolved(parameter, document))
      const inherited = shared
        .map(parameter => resolved(parameter, document))
        .filter(({ name, in: place }) => !own.some(other => other.name === name && other.in === place))
      found.set(`${method.toUpperCase()} ${path.replaceAll(/\{[^}]*\}/g, '{}')}`, {
        method: method.toUpperCase(),
        path,
        operation: { ...operation, parameters: [...inherited, ...own] },
      })
    }
  return found
}

/** What a `$ref` to a component stands for; other things are what they are. */
export function resolved<T extends object>(value: T, document: OpenApiDocument): T {
  let current: unknown = value
  for (let hops = 0; hops < 20; hops++) {
    const { $ref } = current as { $ref?: string }
    if ($ref === undefined || !$ref.startsWith('#/')) return current as T
    let target: unknown = document
    for (const part of $ref.slice(2).split('/'))
      target = (target as Record<string, unknown> | undefined)?.[part.replaceAll('~1', '/').replaceAll('~0', '~')]
    if (typeof target !== 'object' || target === null) return value
    current = target
  }
  return value
}
