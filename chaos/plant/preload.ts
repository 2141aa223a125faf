// Loaded before the orchestrator by `node --import`: changes sources while they are loaded, and the clock on demand. The orchestrator itself has
// no flag, no hook and no branch for any of this.

import { type LoadHookSync, registerHooks } from 'node:module'
import { bugs } from './bugs.ts'
import { crashPoints } from './crash-points.ts'
import { plantClock } from './clock.ts'
import { applyPatch } from './patch.ts'

const names = (process.env['CHAOS_PLANTS'] ?? '').split(',').filter(Boolean)
let hitsLeft = Number(process.env['CHAOS_CRASH_HIT'] ?? 1)

const patches = names.map(name => {
  const patch = bugs[name]?.patch ?? crashPoints[name]
  if (!patch) throw new Error(`nothing to plant has the name ${name}`)
  return patch
})

Object.assign(globalThis, {
  crashPoint: () => {
    if (--hitsLeft === 0) process.kill(process.pid, 'SIGKILL')
  },
})

plantClock()
registerHooks({
  load: (url, context, next) => {
    const loaded = next(url, context)
    const own = patches.filter(({ file }) => url.endsWith(`/orchestrator/src/${file}`))
    if (own.length === 0) return loaded
    return { ...loaded, source: own.reduce(applyPatch, textOf(loaded.source)) }
  },
})

function textOf(source: ReturnType<LoadHookSync>['source']): string {
  return typeof source === 'string' ? source : new TextDecoder().decode(source)
}
