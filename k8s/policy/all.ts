// Every policy over the objects of one rendered overlay.

import { cutAfterMs } from '../../services/kit/src/server/run.ts'
import { autoscalingFaults, capacityFaults } from './autoscaling.ts'
import { calls, settingsOf } from './edges.ts'
import { hardeningFaults } from './hardening.ts'
import { type KubernetesObject, workloadsOf } from './objects.ts'
import { beyond, reachable } from './reach.ts'
import { labelFaults, referenceFaults } from './references.ts'
import { services, settingFaults } from './settings.ts'
import { cacheFaults, drainFaults, sizeFaults, spreadFaults } from './sizes.ts'

const ports = [8080, 5432, 443, 80]
/** A call to a service of another namespace. */
const elsewhere = /^([a-z-]+) -> [a-z0-9-]+\.([a-z0-9-]+):(\d+)$/

export function policyFaults(objects: readonly KubernetesObject[]): string[] {
  const workloads = workloadsOf(objects)
  const ours = workloads.filter(({ name }) => services.includes(name))
  return [
    ...services.filter(name => !ours.some(own => own.name === name)).map(name => `${name}: is not there`),
    ...workloads.flatMap(hardeningFaults),
    ...workloads.flatMap(sizeFaults),
    ...ours.flatMap(workload => drainFaults(workload, cutAfterMs / 1000)),
    ...ours.flatMap(spreadFaults),
    ...ours
      .filter(({ name }) => name !== 'orchestrator') // it never touches the bytes
      .flatMap(workload => cacheFaults(workload, settingsOf(workload, objects)['MESHWORK_STORE_URL'])),
    ...settingFaults(objects),
    ...autoscalingFaults(objects),
    ...capacityFaults(objects),
    ...referenceFaults(objects),
    ...labelFaults(objects),
    ...networkFaults(objects),
    ...portFaults(objects),
  ]
}

/** The policies let through what the services are told to call, and nothing else. */
export function networkFaults(objects: readonly KubernetesObject[]): string[] {
  const wanted = calls(objects)
  const pods = workloadsOf(objects)
  const open = reachable(objects, pods, ports)
  const out = beyond(objects, pods)
  const passes = (edge: string) => {
    const [, from, namespace, port] = elsewhere.exec(edge) ?? []
    if (namespace === undefined) return open.includes(edge)
    return out.some(one => one.startsWith(`${from} -> {metadata.name=${namespace},`) && one.endsWith(`:${port}`))
  }
  return [
    ...wanted.filter(edge => !passes(edge)).map(edge => `network: ${edge} is needed and refused`),
    ...open.filter(edge => !wanted.includes(edge)).map(edge => `network: ${edge} is open and not needed`),
  ]
}

/** Where one service calls another there is a Service of that name with that port. */
function portFaults(objects: readonly KubernetesObject[]): string[] {
  const inside = calls(objects).filter(edge => !elsewhere.test(edge))
  return [...new Set(inside.map(edge => edge.split(' -> ')[1] as string))].flatMap(target => {
    const [host, port] = target.split(':')
    const found = objects.find(({ kind, metadata }) => kind === 'Service' && metadata.name === host)
    const { ports: served = [] } = (found?.spec ?? {}) as { ports?: { port: number }[] }
    return served.some(own => own.port === Number(port)) ? [] : [`${target} is called, and no Service is there`]
  })
}
