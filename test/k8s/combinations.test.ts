import t from 'tap'
import { combinations, kustomizationOf } from './combinations.ts'

const components = [
  'route',
  'database-a',
  'store-a',
  'hpa-stages',
  'store-b',
  'keda-stages',
  'database-b',
  'monitoring',
]

t.test('each way once, with one database, one store and at most one autoscaler of stages', async t => {
  const all = combinations(components)
  t.equal(all.length, 2 * 2 * 3 * 4)
  t.equal(new Set(all.map(({ name }) => name)).size, all.length)
  for (const { components: taken } of all) {
    const of = (prefix: string) => taken.filter(name => name.startsWith(prefix)).length
    t.same([of('database-'), of('store-')], [1, 1])
    t.ok(of('hpa-stages') + of('keda-') <= 1)
  }
  for (const name of components)
    t.ok(
      all.some(({ components: taken }) => taken.includes(name)),
      name,
    )
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
