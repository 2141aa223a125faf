// What kustomize makes of an overlay, by the kubectl or kustomize of this machine.

import { spawnSync } from 'node:child_process'
import { type KubernetesObject, readObjects } from '../policy/objects.ts'

const renderers: readonly (readonly [command: string, ...args: string[]])[] = [
  ['kubectl', 'kustomize'],
  ['kustomize', 'build'],
]

/** The YAML of a folder, or undefined where neither program is there. Throws what kustomize says. */
export function render(folder: string): string | undefined {
  for (const [command, ...args] of renderers) {
    const { error, status, stdout, stderr } = spawnSync(command, [...args, folder], { encoding: 'utf8' })
    if (error && 'code' in error && error.code === 'ENOENT') continue
    if (error) throw error
    if (status !== 0) throw new Error(`${command} ${args.join(' ')} ${folder}: ${stderr}`)
    return stdout
  }
  return undefined
}

export function rendered(folder: string): KubernetesObject[] | undefined {
  const text = render(folder)
  return text === undefined ? undefined : readObjects(text)
}
