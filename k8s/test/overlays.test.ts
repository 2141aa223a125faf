// Every overlay as it is applied, where kubectl or kustomize can render it; and that each policy sees what it is for.

import { join } from 'node:path'
import t from 'tap'
import { policyFaults } from '../policy/all.ts'
import type { KubernetesObject } from '../policy/objects.ts'
import { installedRenderer, render } from './render.ts'
import { root } from './sources.ts'

const overlays = ['dev', 'ci', 'staging', 'production'] as const
const renderer = installedRenderer()
const objectsOf = (name: string) => renderer && render(join(root, 'overlays', name), renderer)
const production = objectsOf('production')
const skip = production === undefined ? 'neither kubectl nor kustomize is here' : false

t.test('no overlay breaks a policy', { skip }, async t => {
  for (const name of overlays) t.same(policyFaults(objectsOf(name) ?? []), [], name)
})

t.test('what a policy is for it sees', { skip }, async t => {
  const text = JSON.stringify(production)
  /** Each change, and what must be said of it. */
  const changes: readonly (readonly [what: string, from: string | RegExp, to: string, said: RegExp])[] = [
    ['a writable root', '"readOnlyRootFilesystem":true', '"readOnlyRootFilesystem":false', /may write to its root/],
    ['root', '"runAsNonRoot":true', '"runAsNonRoot":false', /may run as root/],
    ['capabilities', '"drop":["ALL"]', '"drop":[]', /keeps capabilities/],
    ['system calls', '"type":"RuntimeDefault"', '"type":"Unconfined"', /every system call/],
    ['service links', '"enableServiceLinks":false', '"enableServiceLinks":true', /addresses of other services/],
    ['a token', '"automountServiceAccountToken":false,"containers"', '"containers"', /token of its service account/],
    [
      'less time to end',
      '"terminationGracePeriodSeconds":75',
      '"terminationGracePeriodSeconds":60',
      /is killed after 60 s/,
    ],
    ['no limit', /"limits":\{[^}]*\},/, '', /no limit of memory/],
    ['more calls than memory', '"value":"1342177280"', '"value":"2684354560"', /need \d+; the limit is/],
    ['more copies than disk', 'cacheBytes=8589934592', 'cacheBytes=17179869184', /cacheBytes is not at most half/],
    [
      'more data than disk',
      'MESHWORK_INGEST_EXPANDED_BYTES_MAX","value":"4',
      'MESHWORK_INGEST_EXPANDED_BYTES_MAX","value":"9',
      /takes more than half/,
    ],
    ['an unknown setting', 'MESHWORK_STAGE_QUEUE', 'MESHWORK_STAGE_QUEU', /did you mean MESHWORK_STAGE_QUEUE/],
    ['a stage told of stages', '"name":"settings-', '"name":"stages-', /is not there|no ConfigMap|MESHWORK_STAGES/],
    ['another port', '"port":8080', '"port":8081', /needed and refused|no Service is there/],
    ['a probe of no port', '"port":"http"', '"port":"web"', /which it does not have/],
    [
      'a step of another version',
      /(migrate\.ts[^]*?meshwork\/orchestrator):0\.1\.0/,
      '$1:0.0.9',
      /the step "migrate" has another image/,
    ],
    ['a volume without limit', '{"sizeLimit":"64Mi"}', '{}', /has no limit/],
    ['a latest image', /meshwork\/clean:0\.1\.0/, 'meshwork/clean:latest', /takes any image/],
    [
      'a budget of nobody',
      /"maxUnavailable":1,"selector":\{"matchLabels":\{[^}]*\}\}/,
      '"maxUnavailable":1',
      /PodDisruptionBudget \w+: selects nothing/,
    ],
    ['fewer orchestrators than calls', '"value":"32"', '"value":"4"', /have room, and the orchestrators make/],
    [
      'a lost label',
      '"app.kubernetes.io/part-of":"meshwork"',
      '"part-of":"meshwork"',
      /no label app.kubernetes.io\/part-of/,
    ],
  ]
  for (const [what, from, to, said] of changes) {
    const changed = text.replace(from, to)
    t.not(changed, text, `${what}: the change is one`)
    t.ok(
      policyFaults(JSON.parse(changed) as KubernetesObject[]).some(fault => said.test(fault)),
      what,
    )
  }
  const without = (kind: string, name: string) =>
    policyFaults((production ?? []).filter(object => object.kind !== kind || object.metadata.name !== name))
  t.match(without('NetworkPolicy', 'default-deny'), [], 'the others select every pod all the same')
  t.ok(without('NetworkPolicy', 'stages').length > 0, 'without a policy of stages they are open or closed')
  t.ok(without('ServiceAccount', 'clean').length > 0)
  t.ok(without('Service', 'clean').some(fault => /no Service is there/.test(fault)))
  t.ok(without('Deployment', 'clean').some(fault => /clean: is not there/.test(fault)))
  t.ok(without('HorizontalPodAutoscaler', 'clean').some(fault => /nobody says its number/.test(fault)))
})
