// What kustomize makes of an overlay, by the kubectl or the kustomize of this machine.

import { execFile, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'
import { type KubernetesObject, readObjects } from '../policy/objects.ts'

const outputBytesMax = 64 * 1024 * 1024

export type Renderer = readonly [command: string, verb: string]

/** What renders here; undefined where neither kubectl nor kustomize is installed. */
export function installedRenderer(): Renderer | undefined {
  return (
    [
      ['kubectl', 'kustomize'],
      ['kustomize', 'build'],
    ] as const
  ).find(([command]) => spawnSync(command, ['version', '--client']).error === undefined)
}

/** As `render`, beside others. */
export async function renderAsync(folder: string, [command, verb]: Renderer): Promise<KubernetesObject[]> {
  const { stdout } = await promisify(execFile)(command, [verb, folder], { maxBuffer: outputBytesMax })
  return readObjects(stdout)
}

/** The objects of a folder. Throws what kustomize says. */
export function render(folder: string, [command, verb]: Renderer): KubernetesObject[] {
  const { error, status, stdout, stderr } = spawnSync(command, [verb, folder], {
    encoding: 'utf8',
    maxBuffer: outputBytesMax,
  })
  if (error) throw error
  if (status !== 0) throw new Error(`${command} ${verb} ${folder}: ${stderr}`)
  return readObjects(stdout)
}
