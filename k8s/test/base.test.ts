// The base says what compose, the Dockerfile and the code say.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { stageNames } from '../../launcher/src/mesh.ts'
import { readDeployments } from '../../services/kit/src/config/deployments.ts'
import { cutAfterMs } from '../../services/kit/src/server/run.ts'
import { hardeningFaults } from '../policy/hardening.ts'
import { type Container, type Workload, workloadsOf } from '../policy/objects.ts'
import { drainFaults, sizeFaults } from '../policy/sizes.ts'
import { literals, objectsOf, root } from './sources.ts'

const compose = parse(readFileSync(join(root, '../docker-compose.yml'), 'utf8'), { merge: true }) as {
  services: Record<string, { image: string; environment?: Record<string, string> }>
}
const dockerfile = readFileSync(join(root, '../Dockerfile'), 'utf8')
const folders = ['gateway', 'orchestrator', 'stage'] as const
const workloadOf = (folder: string): Workload => workloadsOf(objectsOf(folder))[0] as Workload
const mainOf = (workload: Workload): Container => workload.pod.containers[0] as Container

t.test('the services are told the same as by compose', async t => {
  const told = compose.services['orchestrator']?.environment?.['MESHWORK_STAGES'] ?? ''
  const stages = literals('stages')['MESHWORK_STAGES'] ?? ''
  t.same(readDeployments(stages), readDeployments(told))
  t.same(
    readDeployments(stages).map(({ stage }) => stage),
    stageNames,
  )
  const gateway = mainOf(workloadOf('base/gateway')).env ?? []
  const orchestratorUrl = 'MESHWORK_ORCHESTRATOR_URL'
  t.equal(
    gateway.find(({ name }) => name === orchestratorUrl)?.value,
    compose.services['gateway']?.environment?.[orchestratorUrl],
  )
  const [database] = workloadsOf(objectsOf('components/database-postgres'))
  t.equal(mainOf(database as Workload).image, compose.services['postgres']?.image.replace(/^.*:-(.*)}$/, '$1'))
})

t.test('images, ports, user and signals are those of the Dockerfile', async t => {
  const port = Number(/^EXPOSE (\d+)$/m.exec(dockerfile)?.[1])
  const version = /^ARG VERSION=(.*)$/m.exec(dockerfile)?.[1]
  for (const folder of folders) {
    const workload = workloadOf(`base/${folder}`)
    const main = mainOf(workload)
    t.equal(main.image, `meshwork/${folder}:${version}`)
    t.same(main.ports, [{ name: 'http', containerPort: port }])
    t.equal(workload.pod.securityContext?.runAsUser, Number(/^USER (\d+):/m.exec(dockerfile)?.[1]))
    const service = objectsOf(`base/${folder}`).find(({ kind }) => kind === 'Service')
    t.match(service?.spec, { type: 'ClusterIP', ports: [{ name: 'http', port, targetPort: 'http' }] })
    t.notMatch(main, { command: [] }, 'the image says what is run')
  }
})

t.test('probes ask what the services serve: alive without looking at others, ready with', async t => {
  const health = readFileSync(join(root, '../services/kit/src/server/health.ts'), 'utf8')
  for (const folder of folders) {
    const { startupProbe, livenessProbe, readinessProbe } = mainOf(workloadOf(`base/${folder}`))
    t.equal(startupProbe?.httpGet?.path, '/healthz')
    t.equal(livenessProbe?.httpGet?.path, '/healthz')
    t.equal(readinessProbe?.httpGet?.path, '/readyz')
    for (const probe of [startupProbe, livenessProbe, readinessProbe]) {
      t.ok(health.includes(`'${probe?.httpGet?.path}'`), `${folder} ${probe?.httpGet?.path} is served`)
      // The orchestrator waits 2 s for its database before it says that it is not ready.
      t.ok((probe?.timeoutSeconds ?? 1) > 2, `${folder} waits for the answer`)
    }
  }
})

t.test('every pod is locked down, has requests and limits that fit what it is told, and time to drain', async t => {
  for (const folder of folders) {
    const workload = workloadOf(`base/${folder}`)
    t.same([...hardeningFaults(workload), ...sizeFaults(workload), ...drainFaults(workload, cutAfterMs / 1000)], [])
  }
  const [database] = workloadsOf(objectsOf('components/database-postgres'))
  t.same([...hardeningFaults(database as Workload), ...sizeFaults(database as Workload)], [])
})

t.test('a budget lets one pod go at a time, and does not hold those that serve nobody', async t => {
  for (const folder of folders) {
    const budget = objectsOf(`base/${folder}`).find(({ kind }) => kind === 'PodDisruptionBudget')
    t.match(budget?.spec, { maxUnavailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow' })
  }
})
