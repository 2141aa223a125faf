// Prometheus and its companions, as Debian packages them: found, or installed where that is allowed.

import { execFile, execFileSync } from 'node:child_process'
import { promisify } from 'node:util'

const execute = promisify(execFile)
const packages = {
  prometheus: 'prometheus',
  promtool: 'prometheus',
  'prometheus-alertmanager': 'prometheus-alertmanager',
  amtool: 'prometheus-alertmanager',
} as const
export type Program = keyof typeof packages

/** The path of a program that is there already. */
export function find(name: Program): string | undefined {
  try {
    return execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim()
  } catch {
    return undefined
  }
}

/** The path of a program, installed with apt-get when it is not there. */
export async function bring(name: Program): Promise<string> {
  const found = find(name)
  if (found !== undefined) return found
  console.log(`installing ${packages[name]} …`)
  try {
    await execute('apt-get', ['update'], { timeout: 300_000 })
    await execute('apt-get', ['install', '--yes', '--no-install-recommends', packages[name]], { timeout: 300_000 })
  } catch (error) {
    throw new Error(
      `${name} is not here and could not be installed: run "apt-get install ${packages[name]}" as root, or put ${name} on the PATH.`,
      { cause: error },
    )
  }
  const path = find(name)
  if (path === undefined) throw new Error(`the package ${packages[name]} has no ${name}`)
  return path
}
