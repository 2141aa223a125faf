// Which processes there are below a test, and when they are gone.

import { existsSync, readdirSync, readFileSync } from 'node:fs'

/** Processes below these, workers of the stages included. */
export function processesBelow(roots: readonly number[]): number[] {
  const parents = readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .flatMap(name => {
      try {
        return [[Number(name), Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${name}/stat`, 'utf8'))?.[1])] as const]
      } catch {
        return []
      }
    })
  const found = new Set(roots)
  for (let grown = true; grown; ) {
    grown = false
    for (const [pid, parent] of parents) if (found.has(parent) && !found.has(pid)) grown = Boolean(found.add(pid))
  }
  return [...found]
}

export const alive = (pids: readonly number[]): number[] =>
  pids.filter(pid => existsSync(`/proc/${pid}`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')))

export async function untilGone(pids: readonly number[], withinMs: number): Promise<number[]> {
  const until = performance.now() + withinMs
  while (alive(pids).length > 0 && performance.now() < until) await new Promise(resolve => setTimeout(resolve, 50))
  return alive(pids)
}

export const commandOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}
