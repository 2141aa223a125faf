import { readFileSync } from 'node:fs'
import { availableParallelism, totalmem } from 'node:os'

/** What this process may use: the container's limits, or the machine's. */
export interface Resources {
  /** Whole cores, at least 1. */
  readonly cpus: number
  readonly memoryBytes: number
}

export function readResources(): Resources {
  return { cpus: cpuLimit(), memoryBytes: memoryLimit() }
}

function cpuLimit(): number {
  const quota = read('/sys/fs/cgroup/cpu.max')?.split(' ')
  const cores = availableParallelism()
  if (!quota || quota[0] === 'max') return cores
  const limit = Math.floor(Number(quota[0]) / Number(quota[1]))
  return Math.max(1, Math.min(cores, Number.isFinite(limit) ? limit : cores))
}

function memoryLimit(): number {
  const limit = Number(read('/sys/fs/cgroup/memory.max'))
  return Number.isFinite(limit) && limit > 0 ? Math.min(limit, totalmem()) : totalmem()
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return undefined
  }
}
