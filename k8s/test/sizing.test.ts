// The numbers of docs/install/kubernetes.md are those of the manifests and of the code.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { scalersOf } from '../policy/autoscaling.ts'
import { type KubernetesObject, workloadsOf } from '../policy/objects.ts'
import { quantity } from '../policy/quantity.ts'
import { installedRenderer, render } from './render.ts'
import { root } from './sources.ts'

const text = (file: string) => readFileSync(join(root, '..', file), 'utf8')
const page = text('docs/install/kubernetes.md')
const renderer = installedRenderer()

/** What the fewest pods of an overlay ask for. */
function asked(objects: readonly KubernetesObject[], kind: string): number {
  const fewest = new Map(scalersOf(objects).map(({ target, min }) => [target, min]))
  return workloadsOf(objects)
    .map(({ name, replicas = fewest.get(name) ?? Number.NaN, pod }) => {
      const own = pod.containers.map(({ resources }) => quantity(resources?.requests?.[kind] ?? ''))
      return replicas * own.reduce((sum, request) => sum + request, 0)
    })
    .reduce((sum, request) => sum + request, 0)
}

t.test(
  'what an overlay asks for',
  { skip: renderer === undefined ? 'neither kubectl nor kustomize is here' : false },
  async t => {
    if (renderer === undefined) return
    const [, cores, gib] = /`production` asks for ([\d.]+) cores and (\d+) GiB at the least/.exec(page) ?? []
    const production = render(join(root, 'overlays/production'), renderer)
    t.equal(asked(production, 'cpu'), Number(cores))
    t.equal(asked(production, 'memory') / 2 ** 30, Number(gib))
    const dev = render(join(root, 'overlays/dev'), renderer)
    const pods = workloadsOf(dev).length
    t.ok(
      asked(dev, 'cpu') / pods < 0.06 && asked(dev, 'memory') / 2 ** 30 / pods < 0.3,
      'dev is as small as the page says',
    )
  },
)

t.test('connections of an orchestrator to its database', async t => {
  const database = text('orchestrator/src/store/database.ts')
  const boss = text('orchestrator/src/store/boss.ts')
  const numbers = [
    /^const walkersMax = (\d+)$/m.exec(database)?.[1],
    /^const readersMax = (\d+)$/m.exec(database)?.[1],
    /\bmax: (\d+),/.exec(boss)?.[1],
    1, // says that it is alive
  ]
  const sum = numbers.reduce<number>((total, number) => total + Number(number), 0)
  t.match(page, new RegExp(`It opens ${sum} connections to\\s+PostgreSQL: 6 orchestrators take ${6 * sum}`))
})
