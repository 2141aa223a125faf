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
  const cores = availableParallelism()
  const [quota, period] =
    read('/sys/fs/cgroup/cpu.max')?.split(' ') ??
    ['quota', 'period'].map(name => read(`/sys/fs/cgroup/cpu/cpu.cfs_${name}_us`)) // cgroup 1
  const limit = Math.floor(Number(quota) / Number(period)) // "max" is no number, -1 is no limit
  return limit >= 0 ? Math.max(1, Math.min(cores, limit)) : cores
}

function memoryLimit(): number {
  const limit = process.constrainedMemory() // knows both versions of cgroups; 0 or more than there is without a limit
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem()
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return undefined
  }
}
