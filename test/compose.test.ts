// The compose file and the Dockerfile say what the code says: names, ports, settings, and who reaches whom.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import type { TObject } from 'typebox'
import { parse } from 'yaml'
import { GatewayConfig, readStages } from '../gateway/src/config.ts'
import { stageNames } from '../launcher/src/mesh.ts'
import { OrchestratorConfig } from '../orchestrator/src/config.ts'
import { readDeployments } from '../services/kit/src/config/deployments.ts'
import { foreignSettings, StageConfig } from '../services/kit/src/config/service-config.ts'
import { programs } from './k8s/tools.ts'

interface Service {
  readonly image: string
  readonly build?: { readonly args: Readonly<Record<string, string>> }
  readonly environment?: Readonly<Record<string, string>>
  readonly networks?: readonly string[]
  readonly volumes?: readonly string[]
  readonly network_mode?: string
  readonly ports?: readonly string[]
  readonly profiles?: readonly string[]
  readonly read_only?: boolean
  readonly cap_drop?: readonly string[]
  readonly security_opt?: readonly string[]
  readonly user?: string
  readonly deploy?: { readonly resources?: { readonly limits?: { readonly cpus?: string; readonly memory?: string } } }
}

const repository = fileURLToPath(new URL('..', import.meta.url))
const read = (file: string) => readFileSync(join(repository, file), 'utf8')
const compose = parse(read('docker-compose.yml'), { merge: true }) as {
  services: Readonly<Record<string, Service>>
  networks: Readonly<Record<string, { internal?: boolean } | null>>
}
const ours = [...stageNames, 'orchestrator', 'gateway'] as const
const schemaOf = (name: string): TObject =>
  name === 'orchestrator' ? OrchestratorConfig : name === 'gateway' ? GatewayConfig : StageConfig
const serviceOf = (name: string): Service => compose.services[name] as Service

t.test('every service of the mesh is there, from its own image', async t => {
  for (const name of ours) {
    t.equal(serviceOf(name).image, `meshwork/${name}:\${MESHWORK_VERSION:-latest}`)
    t.equal(serviceOf(name).build?.args['SERVICE'], name)
  }
})

t.test('what a service is told is a setting of it', async t => {
  for (const name of ours) {
    const { properties } = schemaOf(name)
    for (const key of Object.keys(serviceOf(name).environment ?? {}).filter(key => key.startsWith('MESHWORK_'))) {
      const known = key in properties || key.replace(/_FILE$/, '') in properties
      t.ok(known || foreignSettings.some(pattern => pattern.test(key)), `${name} ${key}`)
    }
  }
  const stages = serviceOf('orchestrator').environment?.['MESHWORK_STAGES'] ?? ''
  t.same(
    readDeployments(stages),
    stageNames.map(stage => ({ stage, url: `http://${stage}:8080` })),
  )
  t.equal(readStages(serviceOf('gateway').environment?.['MESHWORK_STAGES'] ?? '').size, stageNames.length)
})

t.test('each stage shares a network with the orchestrator and the gateway and with no other stage', async t => {
  for (const name of stageNames) {
    const own = `to-${name}`
    t.same(serviceOf(name).networks, name === 'ingest' ? [own, 'outside'] : [own])
    t.equal(compose.networks[own]?.internal, true, `${own} has no way out`)
    for (const caller of ['orchestrator', 'gateway'])
      t.ok(serviceOf(caller).networks?.includes(own), `${caller} ${own}`)
  }
  t.same(serviceOf('postgres').networks, ['database'])
  for (const name of ours.filter(name => name !== 'orchestrator'))
    t.notOk(serviceOf(name).networks?.includes('database'), `${name} has no way to the database`)
  for (const name of ['control', 'database', 'watch']) t.equal(compose.networks[name]?.internal, true, name)
})

t.test('only the gateway is published, and what people look at; all of it on loopback', async t => {
  const published = Object.entries(compose.services).filter(([, { ports }]) => ports)
  t.same(published.map(([name]) => name).sort(), ['alertmanager', 'gateway', 'grafana', 'jaeger', 'prometheus'])
  for (const [name, { ports = [] }] of published) for (const port of ports) t.match(port, /127\.0\.0\.1:/, name)
  for (const [name, { profiles }] of published) t.equal(profiles === undefined, name === 'gateway')
})

t.test('what is mounted from this folder is there', async t => {
  for (const [name, { volumes = [] }] of Object.entries(compose.services))
    for (const volume of volumes.filter(volume => volume.startsWith('./')))
      t.ok(existsSync(join(repository, volume.split(':')[0] ?? '')), `${name} ${volume}`)
})

t.test('every container is locked down and bounded', async t => {
  for (const [name, service] of Object.entries(compose.services)) {
    t.equal(service.read_only, true, `${name} may not write to its root`)
    t.same(service.cap_drop, ['ALL'], name)
    t.same(service.security_opt, ['no-new-privileges:true'], name)
    t.ok(service.deploy?.resources?.limits?.memory && service.deploy.resources.limits.cpus, `${name} has limits`)
    if (!service.image.startsWith('meshwork/')) t.match(service.user, /^[1-9]\d*:\d+$/, `${name} is not root`)
    for (const [key, value] of Object.entries(service.environment ?? {}))
      if (/PASSWORD|SECRET|TOKEN/.test(key))
        t.match(key, /_FILE$/, `${name} ${key} is a file, not ${value.length} letters`)
  }
})

t.test('the S3 server of the tests is the one of the compose file', async t => {
  const [, date] = /minio:RELEASE\.([\dTZ-]+)/.exec(serviceOf('s3').image) ?? []
  t.equal(programs.minio.version.split('-')[1], date?.replaceAll(/\D/g, ''))
})

t.test('the Dockerfile and Prometheus know the same names and versions', async t => {
  const dockerfile = read('Dockerfile')
  const { packageManager } = JSON.parse(read('package.json')) as { packageManager: string }
  t.equal(`pnpm@${/^ARG PNPM_VERSION=(.*)$/m.exec(dockerfile)?.[1]}`, packageManager)
  t.match(dockerfile, /^ARG NODE_IMAGE=node:24-bookworm-slim$/m)
  t.match(dockerfile, /^CMD \["node", /m)
  const prometheus = parse(read('docker/prometheus/prometheus.yml')) as {
    scrape_configs: { job_name: string; dns_sd_configs?: { names: string[]; port: number }[] }[]
  }
  const [found] = prometheus.scrape_configs.find(({ job_name: job }) => job === 'meshwork')?.dns_sd_configs ?? []
  t.same(found?.names.toSorted(), ours.toSorted())
  t.equal(found?.port, 8080)
})
