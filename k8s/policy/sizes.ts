// Sums that must add up: what a pod asks for against what its service is told, and the time it gets to end.

import { type Container, type Workload, matches } from './objects.ts'
import { quantity } from './quantity.ts'

const kinds = ['cpu', 'memory', 'ephemeral-storage'] as const
/** What the process of a stage holds beside its workers. */
const serviceBytes = 512 * 2 ** 20
/** Seconds for what comes after the drain: runs given back, connections and workers closed. */
const closeSeconds = 5
/** A pod that has not ended long after that hangs; more would hold up its node. */
const spareSecondsMax = 15

export function sizeFaults(workload: Workload): string[] {
  const faults: string[] = []
  for (const { resources } of [...workload.pod.containers, ...(workload.pod.initContainers ?? [])])
    for (const kind of kinds) {
      const request = resources?.requests?.[kind]
      const limit = resources?.limits?.[kind]
      if (request === undefined || limit === undefined)
        faults.push(`${workload.name}: no request or no limit of ${kind}`)
      else if (quantity(request) > quantity(limit))
        faults.push(`${workload.name}: asks for more ${kind} than it may use`)
    }
  const [main] = workload.pod.containers
  return main === undefined ? faults : [...faults, ...memoryFaults(workload, main), ...diskFaults(workload, main)]
}

/** The calls of a stage at a time, with what each may take, fit into its pod, and each has a core. */
function memoryFaults({ name }: Workload, { env = [], resources }: Container): string[] {
  const setting = (key: string) => env.find(variable => variable.name === key)?.value
  const calls = setting('MESHWORK_STAGE_CONCURRENCY')
  const bytes = setting('MESHWORK_WORKER_MEMORY_BYTES')
  if (calls === undefined && bytes === undefined) return []
  if (calls === undefined || bytes === undefined) return [`${name}: calls at a time and their memory belong together`]
  const faults: string[] = []
  const needed = Number(calls) * Number(bytes) + serviceBytes
  const limit = quantity(resources?.limits?.['memory'] ?? '0')
  if (needed > limit) faults.push(`${name}: ${calls} calls of ${bytes} bytes need ${needed}; the limit is ${limit}`)
  if (Number(calls) > quantity(resources?.limits?.['cpu'] ?? '0')) faults.push(`${name}: more calls than cores`)
  return faults
}

/** Volumes on the disk of the node count into the limit of the pod: over it the pod is evicted. */
function diskFaults({ name, pod }: Workload, { resources }: Container): string[] {
  const limit = quantity(resources?.limits?.['ephemeral-storage'] ?? '0')
  const volumes = (pod.volumes ?? [])
    .filter(({ emptyDir }) => emptyDir && emptyDir.medium !== 'Memory')
    .reduce((sum, { emptyDir }) => sum + quantity(emptyDir?.sizeLimit ?? '0'), 0)
  return volumes < limit ? [] : [`${name}: volumes of ${volumes} bytes reach its limit of ${limit}`]
}

/**
 * Copies of what is read from a bucket are held to half of their volume, the rest is for work in progress: what ingest
 * may expand in all its calls at once fits there.
 */
export function cacheFaults({ name, pod }: Workload, storeUrl: string | undefined): string[] {
  if (storeUrl === undefined || !storeUrl.startsWith('s3:')) return []
  const [main] = pod.containers
  const parameters = new URL(storeUrl).searchParams
  const mount = main?.volumeMounts?.find(({ mountPath }) => mountPath === parameters.get('cache'))
  const size = pod.volumes?.find(volume => volume.name === mount?.name)?.emptyDir?.sizeLimit
  if (size === undefined) return [`${name}: the cache of ${storeUrl} is no volume of it`]
  const half = quantity(size) / 2
  const copies = Number(parameters.get('cacheBytes') ?? Number.NaN)
  const faults = copies <= half ? [] : [`${name}: cacheBytes is not at most half of the volume of ${size}`]
  if (name !== 'ingest') return faults
  const setting = (key: string) => Number(main?.env?.find(variable => variable.name === key)?.value)
  const expanded = setting('MESHWORK_STAGE_CONCURRENCY') * setting('MESHWORK_INGEST_EXPANDED_BYTES_MAX')
  const uploaded = setting('MESHWORK_INGEST_UPLOAD_BYTES_MAX')
  if (!(expanded <= half && uploaded <= half)) faults.push(`${name}: takes more than half of the volume of ${size}`)
  return faults
}

/** `cutSeconds`: what the service takes to tell its callers after the drain. */
export function drainFaults({ name, pod }: Workload, cutSeconds: number): string[] {
  const [main] = pod.containers
  const drain = main?.env?.find(variable => variable.name === 'MESHWORK_DRAIN_TIMEOUT_MS')?.value
  const before = main?.lifecycle?.preStop?.sleep?.seconds
  const grace = pod.terminationGracePeriodSeconds
  if (drain === undefined || before === undefined || grace === undefined)
    return [`${name}: preStop, MESHWORK_DRAIN_TIMEOUT_MS and terminationGracePeriodSeconds are not all set`]
  const needed = before + Number(drain) / 1000 + cutSeconds + closeSeconds
  if (grace < needed) return [`${name}: ends within ${needed} s and is killed after ${grace} s`]
  return grace > needed + spareSecondsMax ? [`${name}: ends within ${needed} s and may hang for ${grace} s`] : []
}

/** Pods of a workload are spread over nodes by their own labels, or are held together on one. */
export function spreadFaults({ name, kind, labels, pod }: Workload): string[] {
  if (kind !== 'Deployment' || JSON.stringify(pod).includes('"podAffinity"')) return []
  const constraints = pod.topologySpreadConstraints ?? []
  if (constraints.length === 0) return [`${name}: its pods may all be on one node`]
  const own = constraints.every(({ labelSelector }) => labelSelector?.matchLabels?.['app.kubernetes.io/name'] === name)
  return own && constraints.every(({ labelSelector }) => matches(labelSelector ?? {}, labels))
    ? []
    : [`${name}: is spread by the labels of others`]
}
