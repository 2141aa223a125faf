// Who says how many pods there are: one for each workload.

import { type KubernetesObject, workloadsOf } from './objects.ts'

interface Scaler {
  readonly object: string
  readonly target: string
  readonly min: number
  readonly max: number
  readonly triggers: readonly { readonly metadata: Readonly<Record<string, string>> }[]
}

export function scalersOf(objects: readonly KubernetesObject[]): Scaler[] {
  return objects.flatMap(({ kind, metadata, spec }) => {
    if (kind !== 'HorizontalPodAutoscaler' && kind !== 'ScaledObject') return []
    const { scaleTargetRef, ...rest } = spec as {
      scaleTargetRef: { name: string }
      minReplicas?: number
      maxReplicas?: number
      minReplicaCount?: number
      maxReplicaCount?: number
      triggers?: Scaler['triggers']
    }
    const min = rest.minReplicas ?? rest.minReplicaCount ?? Number.NaN
    const max = rest.maxReplicas ?? rest.maxReplicaCount ?? Number.NaN
    return [
      { object: `${kind} ${metadata.name}`, target: scaleTargetRef.name, min, max, triggers: rest.triggers ?? [] },
    ]
  })
}

export function autoscalingFaults(objects: readonly KubernetesObject[]): string[] {
  const scalers = scalersOf(objects)
  const workloads = workloadsOf(objects)
  const namespace = objects.find(({ kind }) => kind === 'Namespace')?.metadata.name
  const faults: string[] = []
  for (const { name, replicas } of workloads) {
    const own = scalers.filter(({ target }) => target === name)
    if (own.length > 1) faults.push(`${name}: ${own.map(({ object }) => object).join(' and ')} both say its number`)
    if (own.length === 1 && replicas !== undefined)
      faults.push(`${name}: its number is said by its autoscaler and by itself`)
    if (own.length === 0 && replicas === undefined) faults.push(`${name}: nobody says its number`)
  }
  for (const { object, target, min, max, triggers } of scalers) {
    if (!workloads.some(({ name }) => name === target)) faults.push(`${object}: scales "${target}", which is not there`)
    if (!(min >= 1 && max > min)) faults.push(`${object}: from ${min} to ${max}`)
    for (const { metadata } of triggers)
      if (!metadata['query']?.includes(`namespace="${namespace}",stage="${target}"`))
        faults.push(`${object}: does not ask for "${target}" in the namespace ${namespace}`)
  }
  return faults
}

/** Orchestrators call a stage at most so many times at once; fewer than its pods can do would leave pods idle. */
export function capacityFaults(objects: readonly KubernetesObject[]): string[] {
  const workloads = workloadsOf(objects)
  const scalers = scalersOf(objects)
  const setting = (name: string, key: string) =>
    Number(
      workloads.find(workload => workload.name === name)?.pod.containers[0]?.env?.find(({ name: own }) => own === key)
        ?.value,
    )
  const range = (name: string) => {
    const replicas = workloads.find(workload => workload.name === name)?.replicas ?? Number.NaN
    return scalers.find(({ target }) => target === name) ?? { min: replicas, max: replicas }
  }
  const calls = range('orchestrator').min * setting('orchestrator', 'MESHWORK_STAGE_CALLS_MAX')
  return workloads
    .filter(({ labels }) => labels['app.kubernetes.io/component'] === 'stage')
    .flatMap(({ name }) => {
      const places = range(name).max * setting(name, 'MESHWORK_STAGE_CONCURRENCY')
      return calls >= places ? [] : [`${name}: ${places} calls have room, and the orchestrators make ${calls}`]
    })
}
