// Objects as literals of the TypeScript types of kubernetes-models: the compiler names what such an object does not have.

import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { KubernetesObject } from '../../k8s/policy/objects.ts'
import { repository } from '../../launcher/src/mesh.ts'

export const typePackages = [
  'kubernetes-models@5.1.0',
  '@kubernetes-models/gateway-api@2.0.0',
  '@kubernetes-models/keda@2.0.0',
  '@kubernetes-models/prometheus-operator@6.0.0',
]
const ofGroup: Readonly<Record<string, string>> = {
  'gateway.networking.k8s.io': '@kubernetes-models/gateway-api',
  'keda.sh': '@kubernetes-models/keda',
  'monitoring.coreos.com': '@kubernetes-models/prometheus-operator',
}

/** A module in which each object is a line of its own, the first in line 1. */
export function moduleOf(objects: readonly KubernetesObject[]): string {
  return objects
    .map(({ apiVersion, kind, ...rest }) => {
      const from = `${ofGroup[apiVersion.replace(/\/.*$/, '')] ?? 'kubernetes-models'}/${apiVersion}/${kind}`
      const literal = JSON.stringify({ apiVersion, kind, ...rest })
      return `;(${literal}) satisfies import('${from}').I${kind}\n`
    })
    .join('')
}

const settings = {
  compilerOptions: {
    module: 'esnext',
    moduleResolution: 'bundler',
    noEmit: true,
    skipLibCheck: true,
    strict: true,
    target: 'esnext',
    types: [],
  },
  files: ['objects.ts'],
}
const toldLettersMax = 2000

/** What the compiler says of each object. `packages` is a folder with `typePackages` installed. */
export function typeFaults(packages: string, objects: readonly KubernetesObject[]): string[] {
  const folder = join(packages, `objects-${process.pid}`)
  mkdirSync(folder)
  try {
    writeFileSync(join(folder, 'objects.ts'), moduleOf(objects))
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings))
    const tsc = join(repository, 'node_modules/.bin/tsc')
    const { status, stdout, stderr } = spawnSync(tsc, ['--pretty', 'false', '-p', folder], {
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    })
    const faults = [...stdout.matchAll(/^.*objects\.ts\((\d+),\d+\): error (.*)$/gm)].map(([, line, told]) => {
      const object = objects[Number(line) - 1]
      return `${object?.kind} ${object?.metadata.name}: ${told}`
    })
    return status === 0 || faults.length > 0 ? faults : [`${stdout}${stderr}`.slice(0, toldLettersMax)]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
