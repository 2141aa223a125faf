// k8s/ as a tree of kustomizations: what belongs together is together, and nothing lies about.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { stageNames } from '../../launcher/src/mesh.ts'
import { services } from '../policy/settings.ts'
import { folders, kustomization, read, root, walk } from './sources.ts'

const deprecated = ['commonLabels', 'bases', 'patchesStrategicMerge', 'patchesJson6902', 'vars', 'imageTags']
const overlays = folders.filter(folder => folder.startsWith('overlays/'))

t.test('every service has a folder in the base, every stage is made of what all stages have in common', async t => {
  const { resources = [] } = kustomization('base')
  t.same(resources.filter(name => !['namespace.yaml', 'network'].includes(name)).sort(), [...services].sort())
  for (const name of stageNames) {
    const { resources: made, images = [], labels = [], patches = [] } = kustomization(`base/${name}`)
    t.same(made, ['../stage'], name)
    t.same(images, [{ name: 'meshwork/stage', newName: `meshwork/${name}` }], name)
    t.same(labels, [{ pairs: { 'app.kubernetes.io/name': name }, includeSelectors: true }], name)
    for (const { patch = '' } of patches)
      for (const { value } of parse(patch) as { value: string }[]) t.equal(value, name, `${name} says its own name`)
  }
})

t.test('no field that kustomize gives up is used', async t => {
  for (const folder of folders)
    for (const field of deprecated) t.notOk(field in kustomization(folder), `${folder}: ${field}`)
})

t.test('every file belongs to a kustomization, and every kustomization names files that are there', async t => {
  const named = new Set(
    folders.flatMap(folder => {
      const { resources = [], components = [], patches = [], ...rest } = kustomization(folder)
      const generated = JSON.stringify(rest).match(/[\w./-]+\.(?:ya?ml|json)/g) ?? []
      return [...resources, ...components, ...patches.flatMap(({ path }) => path ?? []), ...generated].map(path =>
        join(folder, path),
      )
    }),
  )
  for (const path of named) t.ok(existsSync(join(root, path)), `${path} is there`)
  const beside = (file: string) =>
    folders.includes(file.replace(/\/[^/]*$/, '')) && !file.endsWith('/kustomization.yaml')
  const yaml = walk(root).filter(file => file.endsWith('.yaml') && beside(file))
  for (const file of yaml) t.ok(named.has(file), `${file} is part of something`)
})

t.test('an overlay takes one database, one store, one autoscaler of stages at most, and names every image', async t => {
  t.same(
    overlays.sort(),
    ['ci', 'dev', 'production', 'staging'].map(name => `overlays/${name}`),
  )
  const namespaces = overlays.map(folder => kustomization(folder).namespace)
  t.equal(new Set(namespaces).size, overlays.length, 'each in a namespace of its own')
  for (const folder of overlays) {
    const { components = [], images = [], resources } = kustomization(folder)
    const of = (prefix: string) => components.filter(path => path.startsWith(`../../components/${prefix}`)).length
    t.same(resources, ['../../base'], folder)
    t.equal(of('database-'), 1, `${folder}: databases`)
    t.equal(of('store-'), 1, `${folder}: stores`)
    t.ok(of('hpa-stages') + of('keda-stages') <= 1, `${folder}: autoscalers of stages`)
    t.same(images.map(({ name }) => name).sort(), services.map(name => `meshwork/${name}`).sort(), folder)
    for (const { newTag, digest } of images)
      t.match(digest ?? newTag, /^(?!latest$)./, `${folder}: which one, and not latest`)
  }
})

t.test('no secret stands in the tree', async t => {
  for (const file of walk(root).filter(name => name.endsWith('.yaml'))) {
    t.notMatch(read(file), /kind: Secret\b|secretGenerator/, file)
    const lines = read(file)
      .split('\n')
      .filter(line => !line.trimStart().startsWith('#'))
    t.notMatch(lines.join('\n'), /:[^/@\s{]+@[a-z]/, `${file}: a password in an address`)
  }
})
