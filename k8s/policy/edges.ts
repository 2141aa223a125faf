// Who calls whom, from what each service is told: a service calls the addresses in its settings, and no others.

import { type KubernetesObject, type Workload, workloadsOf } from './objects.ts'

const address = /(?:https?|postgres(?:ql)?):\/\/(?:[^@/\s,]*@)?([a-z0-9.-]+):(\d+)/g

/** "a -> b:port" for every address in the settings of a, sorted, each once. */
export function calledBy(name: string, settings: Readonly<Record<string, string>>): string[] {
  const found = Object.values(settings).flatMap(value => [...value.matchAll(address)])
  return [...new Set(found.map(([, host, port]) => `${name} -> ${host}:${port}`))].sort()
}

/** The settings of a workload: its own, and those of the ConfigMaps that it takes as a whole. */
export function settingsOf(workload: Workload, objects: readonly KubernetesObject[]): Record<string, string> {
  const settings: Record<string, string> = {}
  for (const { env = [], envFrom = [] } of workload.pod.containers) {
    for (const { configMapRef } of envFrom) {
      const map = objects.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === configMapRef?.name)
      Object.assign(settings, (map as { data?: Record<string, string> } | undefined)?.data)
    }
    for (const { name, value } of env) settings[name] = value ?? ''
  }
  return settings
}

export function calls(objects: readonly KubernetesObject[]): string[] {
  return workloadsOf(objects)
    .flatMap(workload => calledBy(workload.name, settingsOf(workload, objects)))
    .sort()
}
