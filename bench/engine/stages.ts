// Six trivial stages in a process of their own: what is measured is the walk, not the work.

import { defineStage } from '@meshwork/kit'
import Type from 'typebox'
import { serveStage } from '../serve-stage.ts'

const input = Type.Object(
  { value: Type.Integer(), list: Type.Optional(Type.Integer({ minimum: 0, maximum: 50_000 })) },
  { additionalProperties: false },
)
const output = Type.Object({ value: Type.Integer(), list: Type.Array(Type.Integer()) }, { additionalProperties: false })
const stage = defineStage({
  name: 'nothing',
  version: '1.0.0',
  summary: 'Adds one, and counts as far as it is asked to.',
  input,
  output,
  run: async ({ value, list = 0 }) => ({ value: value + 1, list: Array.from({ length: list }, (_, i) => i) }),
})

await serveStage(stage, { module: import.meta.url, concurrency: 1024, queue: 4096 })
