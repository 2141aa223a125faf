import { readdirSync } from 'node:fs'
import t from 'tap'
import { combinations, components, kustomizationOf } from './combinations.ts'

const folder = new URL('../../k8s/components', import.meta.url)

t.test('every component of the tree is combined', async t => {
  const inTree = readdirSync(folder, { withFileTypes: true }).filter(entry => entry.isDirectory())
  t.same([...components].sort(), inTree.map(({ name }) => name).sort())
})

t.test('each way once, with one database, one store and at most one autoscaler of stages', async t => {
  const all = combinations()
  t.equal(all.length, 2 * 2 * 3 * 16)
  t.equal(new Set(all.map(({ name }) => name)).size, all.length)
  for (const { components: taken } of all) {
    const of = (prefix: string) => taken.filter(name => name.startsWith(prefix)).length
    t.match([of('database-'), of('store-'), of('hpa-stages') + of('keda-')], [1, 1, Number])
    t.ok(of('hpa-stages') + of('keda-') <= 1)
  }
})

t.test('a kustomization names what it is made of, and gives the queries of KEDA its namespace', async t => {
  const combination = { name: 'x', components: ['store-s3', 'keda-stages'] }
  const {
    components: taken,
    replacements,
    configMapGenerator,
  } = JSON.parse(kustomizationOf(combination, '../k8s')) as {
    components: string[]
    replacements: unknown[]
    configMapGenerator: { literals: string[] }[]
  }
  t.same(taken, ['../k8s/components/store-s3', '../k8s/components/keda-stages'])
  t.equal(replacements.length, 1)
  t.match(configMapGenerator[0]?.literals[0], /^MESHWORK_STORE_URL=s3:/)
})
