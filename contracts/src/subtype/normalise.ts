// A schema as a list of shapes, worked out once for each schema object and document.

import type { JsonValue } from '../schema.ts'
import { fitsShape } from './accepts.ts'
import { constraintText, incomparable, keywordShapes } from './keywords.ts'
import { disjoint, isEmptyShape, meet } from './meet.ts'
import { type JsonSchema, type Keywords, NotComparable, resolve, targetOf } from './schema.ts'
import { anyOfType, type Shape, type Side, sameValue, shapeTypes, typeOf } from './shape.ts'

const sides = new WeakMap<object, Side>()

/** A document, with the shapes of its schemas kept for as long as it lives. */
export function sideOf(root: JsonSchema): Side {
  if (typeof root === 'boolean') return newSide(root)
  const known = sides.get(root)
  if (known) return known
  const side = newSide(root)
  sides.set(root, side)
  return side
}

const everything: readonly Shape[] = shapeTypes.map(anyOfType)

function newSide(root: JsonSchema): Side {
  const known = new WeakMap<object, readonly Shape[]>()
  const open = new Set<object>()
  const side: Side = {
    root,
    shapes(schema) {
      if (typeof schema === 'boolean') return schema ? everything : []
      const kept = known.get(schema)
      if (kept) return kept
      if (open.has(schema)) throw new NotComparable('it is defined by itself alone')
      open.add(schema)
      try {
        const shapes = normalise(schema as Keywords, side)
        known.set(schema, shapes)
        return shapes
      } finally {
        open.delete(schema)
      }
    },
  }
  return side
}

function normalise(schema: Keywords, side: Side): readonly Shape[] {
  if (schema.not === true || (typeof schema.not === 'object' && Object.keys(schema.not).length === 0)) return []
  let shapes = keywordShapes(schema, side.root)
  if (schema.enum !== undefined || 'const' in schema) shapes = withValues(schema, shapes, side)
  if (schema.$ref !== undefined)
    shapes = meet(shapes, side.shapes(resolve(targetOf(schema.$ref, side.root), side.root)), side)
  for (const part of schema.allOf ?? []) shapes = meet(shapes, side.shapes(resolve(part, side.root)), side)
  if (schema.anyOf)
    shapes = meet(
      shapes,
      schema.anyOf.flatMap(part => side.shapes(resolve(part, side.root))),
      side,
    )
  if (schema.oneOf) shapes = meet(shapes, oneOf(schema.oneOf, side), side)
  return shapes.filter(shape => !isEmptyShape(shape))
}

function withValues(schema: Keywords, shapes: readonly Shape[], side: Side): Shape[] {
  const listed = schema.enum ?? [schema.const as JsonValue]
  const wanted = 'const' in schema ? listed.filter(value => sameValue(value, schema.const as JsonValue)) : listed
  return shapes.flatMap(shape => {
    const values = wanted.filter(value => typeOf(value) === shape.type && fitsShape(shape, value, side) !== 'no')
    if (values.length === 0) return []
    const certain = values.every(value => fitsShape({ ...shape, opaque: [] }, value, side) === 'yes')
    if (!certain) return [{ ...shape, values, opaque: [...shape.opaque, incomparable('enum')] }]
    return [{ ...anyOfType(shape.type), values, opaque: shape.opaque }]
  })
}

/** Exactly one branch may fit: what is known only where no two can. */
function oneOf(branches: readonly JsonSchema[], side: Side): Shape[] {
  const read = branches.map(branch => side.shapes(resolve(branch, side.root)))
  const overlap = read.some((as, i) => read.slice(i + 1).some(bs => as.some(a => bs.some(b => !disjoint(a, b, side)))))
  const opaque = overlap ? [constraintText('oneOf', branches, side.root)] : []
  return read.flat().map(shape => ({ ...shape, opaque: [...shape.opaque, ...opaque], untreated: 'whole' as const }))
}
