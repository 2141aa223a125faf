// The profile "observability" of the compose file: its Prometheus finds every container once, carries the rules, and
// knows its Alertmanager. Grafana is not brought up: it comes from its registry only.

import { setTimeout as sleep } from 'node:timers/promises'
import { request } from 'undici'
import type { Project } from './docker.ts'
import type { Mesh } from './faults.ts'
import { services } from './images.ts'
import { bringImages } from './stand-ins.ts'

export const observability = ['--profile', 'observability']
const watchers = ['prometheus', 'alertmanager'] as const
const scrapedWithinMs = 60_000
const betweenMs = 1000

export async function checkWatching({ project, findings }: Mesh, port: number): Promise<void> {
  const images = await bringImages(project, watchers)
  await project.compose(...observability, 'up', '--detach', '--no-recreate', ...watchers)
  const ours = (await project.containers()).map(({ service }) => service)
  const wanted = new Map<string, number>(
    services.map(service => [service, ours.filter(name => name === service).length]),
  )
  let faults: string[] = []
  for (const until = performance.now() + scrapedWithinMs; performance.now() < until; await sleep(betweenMs)) {
    faults = await faultsOf(`http://127.0.0.1:${port}`, wanted).catch(error => [String(error)])
    if (faults.length === 0) break
  }
  findings.none(
    `Prometheus scrapes every container once, with rules and an Alertmanager (${images})`,
    ours.length,
    faults,
  )
}

export async function endWatching(project: Project): Promise<void> {
  await project.compose(...observability, 'rm', '--stop', '--force', ...watchers)
}

async function faultsOf(url: string, wanted: ReadonlyMap<string, number>): Promise<string[]> {
  const ask = async <T>(path: string): Promise<T> => {
    const { body } = await request(`${url}/api/v1/${path}`)
    return ((await body.json()) as { data: T }).data
  }
  const { result } = await ask<{ result: { metric: { job: string }; value: [number, string] }[] }>(
    `query?query=${encodeURIComponent('sum by (job) (up{job!="prometheus"})')}`,
  )
  const up = new Map(result.map(({ metric, value }) => [metric.job, Number(value[1])]))
  const { groups } = await ask<{ groups: { rules: { name: string; health: string; lastError?: string }[] }[] }>('rules')
  const rules = groups.flatMap(group => group.rules)
  // Rules over long windows are carried out every few minutes, and are "unknown" until then.
  const ill = rules.filter(({ health }) => health === 'err')
  const { activeAlertmanagers } = await ask<{ activeAlertmanagers: unknown[] }>('alertmanagers')
  return [
    ...[...wanted]
      .filter(([job, count]) => up.get(job) !== count)
      .map(([job]) => `${up.get(job) ?? 0} of ${job} are up`),
    ...(rules.length > 0 ? [] : ['no rules']),
    ...ill.map(({ name, lastError }) => `${name}: ${lastError}`),
    ...(activeAlertmanagers.length === 1 ? [] : [`${activeAlertmanagers.length} Alertmanagers`]),
  ]
}
