// What a real API server says to an overlay: it is applied, applied again without a change, and a pod of each workload is
// admitted by the Pod Security Standard that the namespace enforces.

import { stringify } from 'yaml'
import { type KubernetesObject, workloadsOf } from '../../k8s/policy/objects.ts'
import type { ApiServer } from './api-server.ts'

const textOf = (objects: readonly object[]): string => objects.map(object => stringify(object)).join('---\n')
const apply = ['apply', '--server-side', '--validate=strict', '--filename=-', '--output=name']

/** What is wrong with the objects; they are in the server afterwards. */
export async function admissionFaults(server: ApiServer, objects: readonly KubernetesObject[]): Promise<string[]> {
  const namespaces = objects.filter(({ kind }) => kind === 'Namespace')
  await server.kubectl(apply, textOf(namespaces))
  const first = await server.kubectl(apply, textOf(objects))
  // Warnings say what would happen to pods, and what is given up in a later version.
  const said = first.stderr.split('\n').filter(Boolean)
  if (first.code !== 0 || said.length > 0) return said
  const kept = await keptBy(server, objects)
  await server.kubectl(apply, textOf(objects))
  const changed = [...(await keptBy(server, objects))].filter(([name, text]) => kept.get(name) !== text)
  return [
    ...(kept.size === objects.length ? [] : [`${objects.length} objects given, ${kept.size} kept`]),
    ...changed.map(([name]) => `${name} changes when it is applied again`),
    ...(await podFaults(server, podsOf(objects))),
  ]
}

/** A pod as each workload would make it. */
export function podsOf(objects: readonly KubernetesObject[]): KubernetesObject[] {
  const namespace = objects.find(({ kind }) => kind === 'Namespace')?.metadata.name ?? 'default'
  return workloadsOf(objects).map(({ name, labels, pod }) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels },
    // The volumes that a StatefulSet claims are no part of its template.
    spec: {
      ...pod,
      containers: pod.containers.map(container => ({ ...container, volumeMounts: mountsOf(container, pod) })),
    },
  }))
}

type Workload = ReturnType<typeof workloadsOf>[number]
const mountsOf = (container: Workload['pod']['containers'][number], { volumes = [] }: Workload['pod']) =>
  container.volumeMounts?.filter(({ name }) => volumes.some(volume => volume.name === name)) ?? []

/** Pods that the server would not admit. */
export async function podFaults(server: ApiServer, pods: readonly KubernetesObject[]): Promise<string[]> {
  const faults: string[] = []
  for (const pod of pods) {
    const { code, stderr } = await server.kubectl(
      ['create', '--dry-run=server', '--filename=-', '--output=name'],
      textOf([pod]),
    )
    if (code !== 0) faults.push(`${pod.metadata.name}: ${stderr.trim()}`)
  }
  return faults
}

/** The objects as the server keeps them, without the number that it counts up even where nothing changes. */
async function keptBy(server: ApiServer, objects: readonly KubernetesObject[]): Promise<Map<string, string>> {
  const { stdout } = await server.kubectl(['get', '--filename=-', '--output=json'], textOf(objects))
  const { items } = JSON.parse(stdout) as { items: { kind: string; metadata: { name: string } }[] }
  return new Map(
    items.map(item => [
      `${item.kind} ${item.metadata.name}`,
      JSON.stringify({ ...item, metadata: { ...item.metadata, resourceVersion: '' } }),
    ]),
  )
}
