// The network policies let through what the mesh calls, and nothing else. What it calls is derived from compose, whose
// services are told the addresses, and from the launcher's list of stages.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { parse } from 'yaml'
import { stageNames } from '../../launcher/src/mesh.ts'
import { calledBy } from '../policy/edges.ts'
import type { KubernetesObject } from '../policy/objects.ts'
import { beyond, type Pod, reachable } from '../policy/reach.ts'
import { services } from '../policy/settings.ts'
import { objectsOf, podLabels, root } from './sources.ts'

const compose = parse(readFileSync(join(root, '../docker-compose.yml'), 'utf8'), { merge: true }) as {
  services: Record<string, { environment?: Record<string, string>; networks?: string[] }>
}
const database: Pod = { name: 'postgres', labels: { 'app.kubernetes.io/name': 'postgres' } }
const pods: readonly Pod[] = [...services.map(name => ({ name, labels: podLabels(name) })), database]
const policies = (...components: string[]): KubernetesObject[] =>
  ['base/network', ...components.map(name => `components/${name}`)].flatMap(objectsOf)
const ports = [8080, 5432, 443]

/** Every edge of the mesh. */
const edges = [...services, 'postgres']
  .flatMap(name => calledBy(name, compose.services[name]?.environment ?? {}))
  .sort()

t.test('the edges of compose are those of the mesh', async t => {
  const expected = [
    'gateway -> orchestrator:8080',
    'orchestrator -> postgres:5432',
    ...stageNames.flatMap(name => [`gateway -> ${name}:8080`, `orchestrator -> ${name}:8080`]),
  ]
  t.same(edges, expected.sort())
  for (const from of services)
    for (const to of services.filter(name => name !== from)) {
      const own = compose.services[from]?.networks ?? []
      const shared = own.some(network => network !== 'public' && compose.services[to]?.networks?.includes(network))
      const called = edges.some(edge => edge.startsWith(`${from} -> ${to}:`) || edge.startsWith(`${to} -> ${from}:`))
      t.equal(shared, called, `${from} and ${to} share a network of compose when one calls the other`)
    }
})

t.test('what the policies let through inside the mesh are exactly its edges', async t => {
  t.same(reachable(policies('database-postgres'), pods, ports), edges)
  const without = edges.filter(edge => !edge.includes('postgres'))
  t.same(reachable(policies('database-external', 'store-s3', 'monitoring'), pods, ports), without)
})

t.test('without a policy an edge is closed, with one too many it is seen', async t => {
  const all = policies('database-postgres')
  const less = all.filter(({ metadata }) => metadata.name !== 'orchestrator')
  t.notOk(reachable(less, pods, ports).includes('orchestrator -> clean:8080'), 'closed by default')
  const open = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'open' },
    spec: { podSelector: {}, policyTypes: ['Ingress', 'Egress'], ingress: [{}], egress: [{}] },
  }
  t.ok(reachable([...all, open], pods, ports).includes('clean -> features:8080'))
  t.ok(reachable([], pods, ports).includes('report -> postgres:5432'), 'no policy at all lets everything through')
  const otherPort = JSON.parse(JSON.stringify(all).replaceAll('"port":8080', '"port":8081')) as KubernetesObject[]
  t.same(reachable(otherPort, pods, ports), ['orchestrator -> postgres:5432'])
})

t.test(
  'beyond the mesh: names for all, URLs for ingest, the bucket, the database, Prometheus, the collector, receivers of webhooks, clients at the door',
  async t => {
    const names = '{metadata.name=kube-system,k8s-app=kube-dns}'
    const prometheus = '{metadata.name=monitoring,name=prometheus}'
    const inside = (edge: string) => !edge.includes(names) && !edge.includes(prometheus)
    const ingestUrls = ['0.0.0.0/0', '::/0'].flatMap(range => [`ingest -> ${range}:443`, `ingest -> ${range}:80`])
    t.same(beyond(policies(), pods).filter(inside), [...ingestUrls, '{meshwork-clients=true} -> gateway:8080'].sort())
    const all = beyond(policies('database-external', 'store-s3', 'monitoring'), pods)
    const added = all.filter(inside).filter(edge => !beyond(policies(), pods).includes(edge))
    const ranges = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16']
    const expected = [
      ...['gateway', ...stageNames.filter(name => name !== 'ingest')].map(name => `${name} -> 0.0.0.0/0:443`),
      ...ranges.map(range => `orchestrator -> ${range}:5432`),
    ]
    t.same(added, expected.sort())
    for (const name of services) {
      t.ok(all.includes(`${name} -> ${names} UDP:53`), `${name} asks for names`)
      t.ok(all.includes(`${prometheus} -> ${name}:8080`), `${name} is scraped`)
    }
    t.notOk(all.includes(`${prometheus} -> postgres:8080`))
    const posting = beyond(policies('database-postgres', 'webhooks'), pods)
    const toReceivers = posting.filter(edge => !beyond(policies('database-postgres'), pods).includes(edge))
    t.same(toReceivers, ['orchestrator -> 0.0.0.0/0:443', 'orchestrator -> ::/0:443'])
    const traced = beyond(policies('database-postgres', 'traces'), pods)
    const toCollector = traced.filter(edge => !beyond(policies('database-postgres'), pods).includes(edge))
    const collector = '{metadata.name=monitoring,name=opentelemetry-collector}'
    t.same(toCollector, services.map(name => `${name} -> ${collector}:4318`).sort())
  },
)

t.test('ingest and webhooks reach no private address and not the metadata of a cloud', async t => {
  for (const name of ['ingest-urls', 'webhooks']) publicOnly(t, name)
})

function publicOnly(t: Test, name: string): void {
  const [policy] = policies('webhooks').filter(({ metadata }) => metadata.name === name) as [KubernetesObject]
  const { egress } = policy.spec as { egress: { to: { ipBlock: { except: string[] } }[] }[] }
  const except = egress.flatMap(({ to }) => to.flatMap(({ ipBlock }) => ipBlock.except))
  for (const range of [
    '10.0.0.0/8',
    '172.16.0.0/12',
    '192.168.0.0/16',
    '169.254.0.0/16',
    '127.0.0.0/8',
    'fc00::/7',
    'fe80::/10',
  ])
    t.ok(except.includes(range), `${name} ${range}`)
  // An API server refuses a policy with one of these; they are addresses of IPv4, and the range above has them.
  for (const range of except) t.notMatch(range, /^::ffff:/)
}
