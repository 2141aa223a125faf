// Functions and methods of the CEL library, read from the library itself, so that what is checked is what runs.

import type { Environment } from '@marcbachmann/cel-js'
import { anything, type Kind, type Schema } from '../schema.ts'

export interface Overload {
  /** The receiver of a method stands first. */
  readonly params: readonly Kind[]
  readonly result: Schema
  readonly signature: string
}

export interface Functions {
  readonly functions: ReadonlyMap<string, readonly Overload[]>
  readonly methods: ReadonlyMap<string, readonly Overload[]>
}

/** Regular expressions are not linear in this library; bytes, types and namespaces have no use in a workflow. */
const left = new Set(['matches', 'dyn', 'type', 'bytes', 'json', 'hex', 'base64', 'at'])
const names: Record<string, Kind> = {
  string: 'string',
  bool: 'bool',
  int: 'int',
  uint: 'uint',
  double: 'double',
  bytes: 'bytes',
  null: 'null',
  'google.protobuf.Timestamp': 'timestamp',
  'google.protobuf.Duration': 'duration',
}

export function readFunctions(environment: Environment): Functions {
  const functions = new Map<string, Overload[]>()
  const methods = new Map<string, Overload[]>()
  for (const { signature } of environment.getDefinitions().functions) {
    const [, receiver, name = '', list = '', result = ''] = /^(?:(.+)\.)?(\w+)\((.*)\): (.+)$/.exec(signature) ?? []
    if (left.has(name) || list.includes('ast') || receiver?.endsWith('Namespace') || receiver?.startsWith('optional'))
      continue
    const params = [...(receiver === undefined ? [] : [receiver]), ...(list === '' ? [] : list.split(/,\s*(?![^<]*>)/))]
    const overload = { params: params.map(kindNamed), result: schemaNamed(result), signature }
    const table = receiver === undefined ? functions : methods
    table.set(name, [...(table.get(name) ?? []), overload])
  }
  return { functions, methods }
}

function kindNamed(type: string): Kind {
  if (type.startsWith('list')) return 'list'
  if (type.startsWith('map')) return 'map'
  return names[type] ?? 'dyn'
}

function schemaNamed(type: string): Schema {
  if (type === 'list<string>') return { type: 'array', items: { type: 'string' } }
  const kind = kindNamed(type)
  const json: Partial<Record<Kind, string>> = {
    string: 'string',
    bool: 'boolean',
    int: 'integer',
    double: 'number',
    list: 'array',
    map: 'object',
    null: 'null',
  }
  if (kind === 'dyn') return anything
  const name = json[kind]
  return name === undefined ? { 'x-cel': kind } : { type: name }
}
