// Bugs and crash points are changes of source text: each must find its place.

import { readFileSync } from 'node:fs'
import t from 'tap'
import { bugs } from '../plant/bugs.ts'
import { crashPoints } from '../plant/crash-points.ts'
import { applyPatch, type Patch } from '../plant/patch.ts'

const plants: [string, Patch][] = [
  ...Object.entries(crashPoints),
  ...Object.entries(bugs).map(([name, { patch }]): [string, Patch] => [name, patch]),
]

t.test('what is planted finds its place in the orchestrator', async t => {
  for (const [name, patch] of plants) {
    const source = readFileSync(new URL(`../../orchestrator/src/${patch.file}`, import.meta.url), 'utf8')
    t.doesNotThrow(() => applyPatch(source, patch), name)
  }
})

t.test('what has lost its place is told with its file', async t => {
  const patch = { file: 'engine/walk.ts', find: 'once', put: '' }
  t.throws(() => applyPatch('once and once', patch), { message: 'engine/walk.ts holds 2 times: once' })
  t.throws(() => applyPatch('', patch), { message: 'engine/walk.ts holds 0 times: once' })
})
