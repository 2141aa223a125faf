// What every pod must be: the level "restricted" of the Pod Security Standards, and what that does not ask for.

import type { Container, Probe, Volume, Workload } from './objects.ts'

const volumeKinds = ['emptyDir', 'secret', 'configMap', 'persistentVolumeClaim', 'projected', 'downwardAPI', 'csi']

/** What is wrong with a workload, in words; nothing when nothing is. */
export function hardeningFaults({ name, pod }: Workload): string[] {
  const faults: string[] = []
  const must = (holds: boolean, what: string) => void (holds || faults.push(`${name}: ${what}`))
  must(pod.automountServiceAccountToken === false, 'has the token of its service account')
  must(pod.serviceAccountName === name, `runs as service account "${pod.serviceAccountName}"; it has one of its own`)
  must(pod.enableServiceLinks === false, 'gets the addresses of other services into its environment')
  must(!pod.hostNetwork && !pod.hostPID && !pod.hostIPC, 'is in a namespace of its node')
  must(pod.securityContext?.runAsNonRoot === true, 'may run as root')
  must((pod.securityContext?.runAsUser ?? 0) > 0, 'runs as root')
  must(pod.securityContext?.seccompProfile?.type === 'RuntimeDefault', 'may make every system call')
  for (const volume of pod.volumes ?? []) faults.push(...volumeFaults(name, volume))
  for (const container of [...pod.containers, ...(pod.initContainers ?? [])])
    faults.push(...containerFaults(name, container))
  for (const container of pod.containers)
    for (const probe of [container.startupProbe, container.livenessProbe, container.readinessProbe])
      faults.push(...probeFaults(name, container, probe))
  return faults
}

function volumeFaults(workload: string, volume: Volume): string[] {
  const faults: string[] = []
  const kind = Object.keys(volume).find(key => key !== 'name') ?? 'none'
  if (!volumeKinds.includes(kind)) faults.push(`${workload}: volume "${volume.name}" is of the kind ${kind}`)
  if (volume.emptyDir && volume.emptyDir.sizeLimit === undefined)
    faults.push(`${workload}: volume "${volume.name}" has no limit`)
  return faults
}

function containerFaults(workload: string, container: Container): string[] {
  const faults: string[] = []
  const must = (holds: boolean, what: string) => void (holds || faults.push(`${workload}: ${what}`))
  const { securityContext: context, env = [], envFrom = [], image } = container
  must(context?.allowPrivilegeEscalation === false, 'may gain privileges')
  must(context?.readOnlyRootFilesystem === true, 'may write to its root')
  must(context?.privileged !== true, 'is privileged')
  must(context?.capabilities?.drop?.includes('ALL') === true, 'keeps capabilities')
  must((context?.capabilities?.add ?? []).length === 0, 'has capabilities added')
  must(/[^/:]+(:[^/:]+|@sha256:[0-9a-f]{64})$/.test(image) && !image.endsWith(':latest'), `takes any image of ${image}`)
  for (const { name, value, valueFrom } of env) {
    must(valueFrom === undefined || !JSON.stringify(valueFrom).includes('secret'), `${name} is a secret, not a file`)
    must(!/PASSWORD|SECRET|TOKEN/.test(name) || name.endsWith('_FILE'), `${name} is a secret, not a file`)
    must(!/:[^/@]+@/.test(value ?? ''), `${name} holds a password`)
  }
  must(
    envFrom.every(({ secretRef }) => secretRef === undefined),
    'has a secret for its environment',
  )
  return faults
}

function probeFaults(workload: string, { ports = [] }: Container, probe: Probe | undefined): string[] {
  if (probe === undefined) return [`${workload}: a probe is missing`]
  const asked = probe.httpGet ?? probe.tcpSocket
  if (asked?.host !== undefined) return [`${workload}: a probe asks another host`]
  return asked && !ports.some(({ name }) => name === asked.port)
    ? [`${workload}: a probe asks the port "${asked.port}", which it does not have`]
    : []
}
