// Stages to type workflows against: the real contracts, and one stage with shapes that those do not have.

import {
  AggregateInput,
  AggregateOutput,
  CleanInput,
  CleanOutput,
  DatasetRef,
  EvaluateInput,
  EvaluateOutput,
  FeaturesInput,
  FeaturesOutput,
  InferenceInput,
  InferenceOutput,
  IngestInput,
  IngestOutput,
  MapOf,
  Nullable,
  PostprocessInput,
  PostprocessOutput,
  ReportInput,
  ReportOutput,
} from '@meshwork/contracts'
import Type from 'typebox'
import type { KnownStage } from '../../src/definition/check.ts'
import type { Schema } from '../../src/typing/schema.ts'

const closed = <T extends Record<string, Type.TSchema>>(properties: T, options = {}) =>
  Type.Object(properties, { additionalProperties: false, ...options })
const oneOf = (...values: string[]) => Type.Unsafe<string>({ type: 'string', enum: values })

/** Takes and gives what is hard: unions told by a key, recursion, nullable and optional fields, narrow numbers. */
const shapesInput = closed({
  count: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
  share: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
  mode: Type.Optional(oneOf('fast', 'safe')),
  name: Type.Optional(Type.String({ pattern: '^[a-z]+$' })),
  text: Type.Optional(Type.String()),
  flag: Type.Optional(Type.Boolean()),
  data: Type.Optional(DatasetRef),
  maybe: Type.Optional(Nullable(DatasetRef)),
  list: Type.Optional(Type.Array(Type.Integer(), { maxItems: 3 })),
  names: Type.Optional(Type.Array(Type.String(), { uniqueItems: true })),
  settings: Type.Optional(closed({ depth: Type.Integer(), label: Type.Optional(Type.String()) })),
  action: Type.Optional(
    Type.Union([
      closed({ kind: Type.Literal('move'), steps: Type.Integer() }),
      closed({ kind: Type.Literal('say'), words: Type.String() }),
      closed({ kind: Type.Literal('wait') }),
    ]),
  ),
  tree: Type.Optional(Type.Unsafe<unknown>({ $ref: '#/$defs/tree' })),
  limits: Type.Optional(MapOf(Type.Number(), { maxProperties: 2 })),
  anything: Type.Optional(Type.Unsafe<unknown>({})),
  after: Type.Optional(Type.Unsafe<unknown>({})),
})
const tree = {
  $defs: {
    tree: {
      type: 'object',
      properties: {
        value: { type: 'integer' },
        children: { type: 'array', items: { $ref: '#/$defs/tree' } },
      },
      required: ['value'],
      additionalProperties: false,
    },
  },
}
const shapesOutput = closed({
  rows: Type.Integer({ minimum: 0 }),
  few: Type.Integer({ minimum: 1, maximum: 10 }),
  share: Type.Number(),
  mode: oneOf('fast', 'safe'),
  wide: oneOf('fast', 'safe', 'slow'),
  note: Type.Optional(Type.String()),
  text: Type.String(),
  flag: Type.Boolean(),
  data: DatasetRef,
  maybe: Nullable(DatasetRef),
  either: Type.Union([Type.Integer(), Type.String()]),
  list: Type.Array(Type.Integer(), { maxItems: 3 }),
  long: Type.Array(Type.Integer()),
  names: Type.Array(Type.String()),
  settings: closed({ depth: Type.Integer(), label: Type.Optional(Type.String()) }),
  loose: Type.Object({ depth: Type.Integer() }),
  action: Type.Union([
    closed({ kind: Type.Literal('move'), steps: Type.Integer() }),
    closed({ kind: Type.Literal('say'), words: Type.String() }),
  ]),
  metrics: MapOf(Nullable(Type.Number()), { maxProperties: 10 }),
  tree: Type.Unsafe<unknown>({ $ref: '#/$defs/tree' }),
  pair: Type.Unsafe<unknown>({ type: 'array', prefixItems: [{ type: 'string' }, { type: 'integer' }], items: false }),
  anything: Type.Unsafe<unknown>({}),
})

const schema = (value: object): Schema => value as Schema
const one = (name: string, input: object, output: object): KnownStage => ({
  name,
  majors: [1],
  contracts: new Map([[1, { input: schema(input), output: schema(output) }]]),
})

export const catalog: readonly KnownStage[] = [
  {
    name: 'old',
    majors: [1, 2],
    contracts: new Map([
      [1, { input: schema(closed({})), output: schema(closed({})), deprecated: '2026-01-01', sunset: '2027-01-01' }],
      [2, { input: schema(closed({})), output: schema(closed({})) }],
    ]),
  },
  one('ingest', IngestInput, IngestOutput),
  one('clean', CleanInput, CleanOutput),
  one('features', FeaturesInput, FeaturesOutput),
  one('inference', InferenceInput, InferenceOutput),
  one('postprocess', PostprocessInput, PostprocessOutput),
  one('aggregate', AggregateInput, AggregateOutput),
  one('evaluate', EvaluateInput, EvaluateOutput),
  one('report', ReportInput, ReportOutput),
  {
    name: 'shapes',
    majors: [1, 2],
    contracts: new Map([
      [1, { input: schema({ ...shapesInput, ...tree }), output: schema({ ...shapesOutput, ...tree }) }],
      [2, { input: schema(closed({ required: Type.Integer() })), output: schema(closed({ done: Type.Boolean() })) }],
    ]),
  },
]
