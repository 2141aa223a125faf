// A stage in a process of its own that takes 5 ms, and answers when it began and ended.

import { setTimeout as pause } from 'node:timers/promises'
import { defineStage } from '@meshwork/kit'
import Type from 'typebox'
import { serveStage } from '../serve-stage.ts'

const workMs = 5
const time = Type.Number({ description: 'Milliseconds of one clock.' })
const stage = defineStage({
  name: 'brief',
  version: '1.0.0',
  summary: 'Takes 5 ms.',
  input: Type.Object({ run: Type.String(), item: Type.Integer() }, { additionalProperties: false }),
  output: Type.Object({ run: Type.String(), began: time, ended: time }, { additionalProperties: false }),
  run: async ({ run }) => {
    const began = performance.now()
    await pause(workMs)
    return { run, began, ended: performance.now() }
  },
})

await serveStage(stage, { module: import.meta.url, concurrency: 64, queue: 64 })
