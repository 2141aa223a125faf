// The files of k8s/ as they are written, without kustomize.

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { type KubernetesObject, type Labels, readObjects } from '../policy/objects.ts'

export const root = fileURLToPath(new URL('..', import.meta.url))

export interface Kustomization {
  readonly kind: 'Kustomization' | 'Component'
  readonly namespace?: string
  readonly resources?: readonly string[]
  readonly components?: readonly string[]
  readonly labels?: readonly { readonly pairs: Labels; readonly includeSelectors?: boolean }[]
  readonly images?: readonly {
    readonly name: string
    readonly newName?: string
    readonly newTag?: string
    readonly digest?: string
  }[]
  readonly configMapGenerator?: readonly { readonly name: string; readonly literals?: readonly string[] }[]
  readonly patches?: readonly { readonly path?: string; readonly patch?: string }[]
}

/** Every folder with a kustomization, from k8s/ on. */
export const folders = walk(root)
  .filter(file => file.endsWith('/kustomization.yaml'))
  .map(file => file.replace(/\/kustomization\.yaml$/, ''))

export function walk(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(file => !/(^|\/)(node_modules|\.tap)\//.test(file) && statSync(join(folder, file)).isFile())
    .map(file => relative(root, join(folder, file)))
    .sort()
}

export const read = (file: string): string => readFileSync(join(root, file), 'utf8')
export const kustomization = (folder: string): Kustomization =>
  parse(read(`${folder}/kustomization.yaml`)) as Kustomization

/** The objects that stand in the files of a folder. */
export function objectsOf(folder: string): KubernetesObject[] {
  const { resources = [] } = kustomization(folder)
  return resources
    .map(resource => `${folder}/${resource}`)
    .filter(path => existsSync(join(root, path)) && statSync(join(root, path)).isFile())
    .flatMap(path => readObjects(read(path)))
}

/** The labels that pods of a service get: those of the folder, over those of what it is made of. */
export function podLabels(service: string): Labels {
  const own = (folder: string): Labels => {
    const { labels = [], resources = [] } = kustomization(folder)
    const inherited = resources.includes('../stage') ? own('base/stage') : {}
    return Object.assign({}, inherited, ...labels.map(({ pairs }) => pairs)) as Labels
  }
  return own(`base/${service}`)
}

/** What a generator of the base puts into a ConfigMap. */
export function literals(name: string): Record<string, string> {
  const { configMapGenerator = [] } = kustomization('base')
  const lines = configMapGenerator.find(generator => generator.name === name)?.literals ?? []
  return Object.fromEntries(lines.map(line => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]))
}
