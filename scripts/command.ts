import { spawnSync } from 'node:child_process'

/** Runs a command of the repository with its output shown; answers its exit code. */
export function command(name: string, ...args: string[]): number {
  const { status, error } = spawnSync(`node_modules/.bin/${name}`, args, { stdio: 'inherit' })
  if (error) throw error
  return status ?? 1
}
