// From the text of a workflow to a value, with the place of everything in it. YAML and JSON (which is YAML).

import { type ProblemItem } from '@meshwork/contracts'
import { isStorable } from '../store/storable.ts'
import { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, type Node, parseDocument, visit } from 'yaml'

export interface Place {
  readonly line: number
  readonly column: number
}

/** A place inside a text: that of `offset` in `text`, where the text stands word for word. */
export interface Within {
  readonly text: string
  readonly offset: number
}

export interface ReadDocument {
  readonly value: unknown
  /** Where the thing that a JSON pointer names stands; of a missing one, where its parent stands. */
  place(pointer: string, within?: Within): Place
}

export type ReadResult =
  | { readonly kind: 'read'; readonly document: ReadDocument }
  | { readonly kind: 'unreadable'; readonly items: readonly ProblemItem[] }

export const sourceBytesMax = 262_144
const depthMax = 64
/** What JSON has; other tags make values that JSON cannot hold. */
const jsonTags = new Set(['str', 'int', 'float', 'bool', 'null', 'map', 'seq'].map(name => `tag:yaml.org,2002:${name}`))

export function readDocument(source: string): ReadResult {
  const item = (code: string, detail: string, place: Place = { line: 1, column: 1 }): ProblemItem => ({
    pointer: '',
    code,
    detail: `line ${place.line}, column ${place.column}: ${detail}`,
    ...place,
  })
  if (Buffer.byteLength(source) > sourceBytesMax)
    return { kind: 'unreadable', items: [item('too-large', `the document is larger than ${sourceBytesMax} bytes`)] }
  const lines = new LineCounter()
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  const parsed = parseDocument(source, {
    lineCounter: lines,
    uniqueKeys: true,
    schema: 'core',
    merge: false,
    strict: true,
    prettyErrors: false,
  })
  // A tag that nobody knows is a warning there, and told below.
  const notes = [...parsed.errors, ...parsed.warnings.filter(({ code }) => code !== 'TAG_RESOLVE_FAILED')]
  const faults = notes.map(fault => item('syntax', fault.message.split('\n')[0] as string, at(fault.pos[0])))
  visit(parsed, {
    Alias: (_, node) =>
      void faults.push(item('alias', 'aliases (*name) are not supported; write it out', at(node.range?.[0] ?? 0))),
    Node: (_, node, path) => {
      if (path.length > depthMax * 2)
        faults.push(item('too-deep', `nested deeper than ${depthMax}`, at(node.range?.[0] ?? 0)))
      else if (node.tag !== undefined && !jsonTags.has(node.tag))
        faults.push(item('tag', `${node.tag} is not a type of JSON`, at(node.range?.[0] ?? 0)))
      else if (isScalar(node) && typeof node.value === 'string' && !isStorable(node.value))
        faults.push(
          item('text', 'a text holds U+0000 or half a surrogate pair, which is not stored', at(node.range?.[0] ?? 0)),
        )
      else if (isScalar(node) && typeof node.value === 'number' && !isJsonNumber(node.value))
        faults.push(
          item(
            'number',
            `${node.source ?? node.value} cannot be held exactly; write it as a text`,
            at(node.range?.[0] ?? 0),
          ),
        )
    },
  })
  if (faults.length > 0) return { kind: 'unreadable', items: faults.slice(0, 100) }
  const { contents } = parsed
  return {
    kind: 'read',
    document: {
      value: parsed.toJS() as unknown,
      place: (pointer, within) => at(offsetWithin(source, offsetOf(contents, pointer), within)),
    },
  }
}

const isJsonNumber = (value: number): boolean =>
  Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value))

/** Escapes and folded lines can stand between: then the text's beginning has to do. */
function offsetWithin(source: string, from: number, within: Within | undefined): number {
  if (!within) return from
  const found = source.indexOf(within.text, from)
  const end = source.indexOf('\n\n', from)
  return found < 0 || (end >= 0 && found > end) ? from : found + within.offset
}

function offsetOf(root: unknown, pointer: string): number {
  let node: unknown = root
  let offset = start(root)
  for (const token of pointer.split('/').slice(1)) {
    const key = token.replaceAll('~1', '/').replaceAll('~0', '~')
    if (isMap(node)) {
      const pair = node.items.find(item => isScalar(item.key) && String(item.key.value) === key)
      if (!pair) return offset
      offset = start(isScalar(pair.value) ? pair.value : pair.key)
      node = pair.value
    } else if (isSeq(node)) {
      const item = node.items[Number(key)]
      if (item === undefined) return offset
      offset = start(item)
      node = item
    } else return offset
  }
  return offset
}

function start(node: unknown): number {
  return isNode(node) && !isAlias(node) ? ((node as Node).range?.[0] ?? 0) : 0
}
