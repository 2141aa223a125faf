// Objects of Kubernetes, as far as the policies look at them.

import { parseAllDocuments } from 'yaml'

export interface KubernetesObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Labels }
  readonly spec?: unknown
}
export type Labels = Readonly<Record<string, string>>

export interface Probe {
  readonly httpGet?: { readonly path: string; readonly port: string | number; readonly host?: string }
  readonly exec?: { readonly command: readonly string[] }
  readonly tcpSocket?: { readonly port: string | number; readonly host?: string }
  readonly timeoutSeconds?: number
}

export interface EnvironmentVariable {
  readonly name: string
  readonly value?: string
  readonly valueFrom?: unknown
}

export interface Container {
  readonly name: string
  readonly image: string
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[]
  readonly env?: readonly EnvironmentVariable[]
  readonly envFrom?: readonly { readonly configMapRef?: { readonly name: string }; readonly secretRef?: unknown }[]
  readonly resources?: { readonly requests?: Quantities; readonly limits?: Quantities }
  readonly startupProbe?: Probe
  readonly livenessProbe?: Probe
  readonly readinessProbe?: Probe
  readonly lifecycle?: { readonly preStop?: { readonly sleep?: { readonly seconds: number } } }
  readonly securityContext?: {
    readonly allowPrivilegeEscalation?: boolean
    readonly readOnlyRootFilesystem?: boolean
    readonly privileged?: boolean
    readonly capabilities?: { readonly drop?: readonly string[]; readonly add?: readonly string[] }
  }
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string; readonly readOnly?: boolean }[]
}
export type Quantities = Readonly<Record<string, string>>

export interface Volume {
  readonly name: string
  readonly emptyDir?: { readonly sizeLimit?: string; readonly medium?: string }
  readonly secret?: { readonly secretName: string }
  readonly configMap?: { readonly name: string }
  readonly persistentVolumeClaim?: { readonly claimName: string }
}

export interface PodSpec {
  readonly serviceAccountName?: string
  readonly automountServiceAccountToken?: boolean
  readonly enableServiceLinks?: boolean
  readonly hostNetwork?: boolean
  readonly hostPID?: boolean
  readonly hostIPC?: boolean
  readonly terminationGracePeriodSeconds?: number
  readonly securityContext?: {
    readonly runAsNonRoot?: boolean
    readonly runAsUser?: number
    readonly seccompProfile?: { readonly type: string }
  }
  readonly topologySpreadConstraints?: readonly { readonly labelSelector?: Selector }[]
  readonly containers: readonly Container[]
  readonly initContainers?: readonly Container[]
  readonly volumes?: readonly Volume[]
}

export interface Selector {
  readonly matchLabels?: Labels
  readonly matchExpressions?: readonly {
    readonly key: string
    readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist'
    readonly values?: readonly string[]
  }[]
}

/** What makes pods: a Deployment or a StatefulSet. */
export interface Workload {
  readonly kind: string
  readonly name: string
  readonly replicas: number | undefined
  readonly selector: Selector
  readonly labels: Labels
  readonly pod: PodSpec
}

/** The objects of a YAML text; throws at a document that is none. */
export function readObjects(text: string): KubernetesObject[] {
  return parseAllDocuments(text).flatMap(document => {
    const [fault] = document.errors
    if (fault) throw fault
    const object = document.toJS() as KubernetesObject | null
    if (object === null) return []
    if (typeof object.kind !== 'string' || typeof object.metadata?.name !== 'string')
      throw new TypeError(`not an object of Kubernetes: ${JSON.stringify(object).slice(0, 200)}`)
    return [object]
  })
}

export function workloadsOf(objects: readonly KubernetesObject[]): Workload[] {
  return objects
    .filter(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet')
    .map(({ kind, metadata, spec }) => {
      const { replicas, selector, template } = spec as {
        replicas?: number
        selector?: Selector
        template: { metadata?: { labels?: Labels }; spec: PodSpec }
      }
      const labels = template.metadata?.labels ?? {}
      return { kind, name: metadata.name, replicas, selector: selector ?? {}, labels, pod: template.spec }
    })
}

export function matches(selector: Selector, labels: Labels): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      if (operator === 'Exists') return key in labels
      if (operator === 'DoesNotExist') return !(key in labels)
      const among = key in labels && values.includes(labels[key] as string)
      return operator === 'In' ? among : !among
    })
  )
}
