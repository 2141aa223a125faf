import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { stageNames } from '../../launcher/src/mesh.ts'
import { autoscalingFaults, scalersOf } from '../policy/autoscaling.ts'
import type { KubernetesObject } from '../policy/objects.ts'
import { kustomization, objectsOf, root } from './sources.ts'

t.test('each component scales all whom it is for, and no other', async t => {
  const targets = (component: string) => scalersOf(objectsOf(`components/${component}`)).map(({ target }) => target)
  t.same(targets('hpa-services'), ['gateway', 'orchestrator'])
  t.same(targets('hpa-stages'), stageNames)
  t.same(targets('keda-stages'), stageNames)
})

t.test(
  'KEDA counts the calls in progress and waiting of the stage that it scales, by the metrics that stages have',
  async t => {
    for (const { target, triggers } of scalersOf(objectsOf('components/keda-stages'))) {
      const query = triggers[0]?.metadata['query'] ?? ''
      t.equal(query, `sum({__name__=~"meshwork_stage_(in_flight|queue_depth)",namespace="meshwork",stage="${target}"})`)
    }
    const metrics = readFileSync(join(root, '../services/kit/src/telemetry/stage-metrics.ts'), 'utf8')
    for (const name of ['meshwork_stage_in_flight', 'meshwork_stage_queue_depth'])
      t.ok(metrics.includes(`'${name}'`), name)
    const patches = JSON.stringify(kustomization('components/keda-stages').patches)
    t.match(patches, /threshold\\n\s+value: '2'/, 'as many as one pod does at a time')
  },
)

const deployment = (replicas?: number): KubernetesObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'clean' },
  spec: { ...(replicas === undefined ? {} : { replicas }), selector: {}, template: { spec: { containers: [] } } },
})
const autoscaler = (kind: string, spec: object): KubernetesObject => ({
  apiVersion: 'v1',
  kind,
  metadata: { name: 'clean' },
  spec: { scaleTargetRef: { name: 'clean' }, ...spec },
})
const hpa = autoscaler('HorizontalPodAutoscaler', { minReplicas: 2, maxReplicas: 4 })
const keda = autoscaler('ScaledObject', { minReplicaCount: 2, maxReplicaCount: 4 })

t.test('one of them says how many pods there are', async t => {
  t.same(autoscalingFaults([deployment(2)]), [])
  t.same(autoscalingFaults([deployment(), hpa]), [])
  t.match(autoscalingFaults([deployment(), hpa, keda]), [/both say its number/])
  t.match(autoscalingFaults([deployment(2), hpa]), [/by its autoscaler and by itself/])
  t.match(autoscalingFaults([deployment()]), [/nobody says its number/])
  t.match(autoscalingFaults([hpa]), [/which is not there/])
  const never = autoscaler('ScaledObject', { minReplicaCount: 0, maxReplicaCount: 4 })
  t.match(autoscalingFaults([deployment(), never]), [/from 0 to 4/])
})

t.test('a query that asks for another namespace is found', async t => {
  const namespace: KubernetesObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'meshwork-staging' } }
  const triggers = (query: string) => ({ minReplicaCount: 2, maxReplicaCount: 4, triggers: [{ metadata: { query } }] })
  const asks = (query: string) =>
    autoscalingFaults([namespace, deployment(), autoscaler('ScaledObject', triggers(query))])
  t.same(asks('sum(x{namespace="meshwork-staging",stage="clean"})'), [])
  t.match(asks('sum(x{namespace="meshwork",stage="clean"})'), [/does not ask for "clean" in the namespace/])
})
