// Which pods reach which by the network policies: a connection passes when a policy of the one lets it out and a policy
// of the other lets it in. Pods that no policy selects in a direction are open in it.

import { type KubernetesObject, type Labels, type Selector, matches } from './objects.ts'

export interface Pod {
  readonly name: string
  readonly labels: Labels
}

interface Peer {
  readonly podSelector?: Selector
  readonly namespaceSelector?: Selector
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] }
}
interface Port {
  readonly protocol?: string
  readonly port?: number
}
interface Rule {
  readonly from?: readonly Peer[]
  readonly to?: readonly Peer[]
  readonly ports?: readonly Port[]
}
interface PolicySpec {
  readonly podSelector: Selector
  readonly policyTypes?: readonly string[]
  readonly ingress?: readonly Rule[]
  readonly egress?: readonly Rule[]
}
type Direction = 'ingress' | 'egress'

const policiesOf = (objects: readonly KubernetesObject[]): PolicySpec[] =>
  objects.filter(({ kind }) => kind === 'NetworkPolicy').map(({ spec }) => spec as PolicySpec)

/** Every "a -> b:port" that passes, sorted. Ports are those of the pods looked at. */
export function reachable(
  objects: readonly KubernetesObject[],
  pods: readonly Pod[],
  ports: readonly number[],
): string[] {
  const policies = policiesOf(objects)
  return pods
    .flatMap(from =>
      pods
        .filter(to => to.name !== from.name)
        .flatMap(to =>
          ports
            .filter(
              port =>
                passes(policies, 'egress', from, to.labels, port) && passes(policies, 'ingress', to, from.labels, port),
            )
            .map(port => `${from.name} -> ${to.name}:${port}`),
        ),
    )
    .sort()
}

/** What is beyond the pods of the mesh, as the policies write it: "ingest -> 0.0.0.0/0:443", "{…} -> gateway:8080". */
export function beyond(objects: readonly KubernetesObject[], pods: readonly Pod[]): string[] {
  const found = new Set<string>()
  for (const policy of policiesOf(objects))
    for (const direction of ['ingress', 'egress'] as const)
      for (const rule of policy[direction] ?? [])
        for (const peer of (direction === 'ingress' ? rule.from : rule.to) ?? [{}])
          if (!peer.podSelector || peer.namespaceSelector)
            for (const pod of pods.filter(({ labels }) => matches(policy.podSelector, labels)))
              for (const { port, protocol = 'TCP' } of rule.ports ?? [{}]) {
                const other = `${nameOf(peer)}${protocol === 'TCP' ? '' : ` ${protocol}`}`
                found.add(
                  direction === 'ingress' ? `${other} -> ${pod.name}:${port}` : `${pod.name} -> ${other}:${port}`,
                )
              }
  return [...found].sort()
}

function nameOf({ ipBlock, namespaceSelector, podSelector }: Peer): string {
  if (ipBlock) return ipBlock.cidr
  const labels = { ...namespaceSelector?.matchLabels, ...podSelector?.matchLabels }
  return `{${Object.entries(labels)
    .map(([key, value]) => `${key.replace(/^.*\//, '')}=${value}`)
    .join(',')}}`
}

function passes(policies: readonly PolicySpec[], direction: Direction, pod: Pod, other: Labels, port: number): boolean {
  const type = direction === 'ingress' ? 'Ingress' : 'Egress'
  const ruling = policies.filter(
    policy => matches(policy.podSelector, pod.labels) && (policy.policyTypes ?? ['Ingress']).includes(type),
  )
  if (ruling.length === 0) return true
  return ruling
    .flatMap(policy => policy[direction] ?? [])
    .some(rule => {
      const peers = direction === 'ingress' ? rule.from : rule.to
      const toPort = !rule.ports || rule.ports.some(({ port: own }) => own === undefined || own === port)
      // A peer in another namespace or at an address is no pod of the mesh.
      const toPeer =
        !peers ||
        peers.some(
          ({ podSelector, namespaceSelector }) => podSelector && !namespaceSelector && matches(podSelector, other),
        )
      return toPort && toPeer
    })
}
