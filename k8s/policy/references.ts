// Names that objects say of each other lead somewhere.

import { type KubernetesObject, type Labels, type Selector, matches, workloadsOf } from './objects.ts'

/** Made by whoever installs the mesh, and by nothing here. */
const secretsOfTheInstaller = ['database', 'store']
const recommended = ['name', 'component', 'part-of', 'version', 'managed-by', 'instance']

export function referenceFaults(objects: readonly KubernetesObject[]): string[] {
  const faults: string[] = []
  const workloads = workloadsOf(objects)
  const has = (kind: string, name: string) =>
    objects.some(object => object.kind === kind && object.metadata.name === name)
  for (const { name, pod, labels, selector } of workloads) {
    if (!matches(selector, labels)) faults.push(`${name}: does not select its own pods`)
    if (!has('ServiceAccount', pod.serviceAccountName ?? '')) faults.push(`${name}: its service account is not there`)
    for (const { envFrom = [] } of pod.containers)
      for (const { configMapRef } of envFrom)
        if (configMapRef && !has('ConfigMap', configMapRef.name))
          faults.push(`${name}: no ConfigMap ${configMapRef.name}`)
    for (const { secret, persistentVolumeClaim: claim } of pod.volumes ?? []) {
      if (secret && !secretsOfTheInstaller.includes(secret.secretName))
        faults.push(`${name}: no Secret ${secret.secretName}`)
      if (claim && !has('PersistentVolumeClaim', claim.claimName)) faults.push(`${name}: no claim ${claim.claimName}`)
    }
    const mounted = pod.containers.flatMap(({ volumeMounts = [] }) => volumeMounts.map(mount => mount.name))
    const claimed = objects.find(object => object.kind === 'StatefulSet' && object.metadata.name === name)?.spec as
      | { volumeClaimTemplates?: { metadata: { name: string } }[] }
      | undefined
    const volumes = [
      ...(pod.volumes ?? []).map(volume => volume.name),
      ...(claimed?.volumeClaimTemplates ?? []).map(({ metadata }) => metadata.name),
    ]
    for (const volume of mounted)
      if (!volumes.includes(volume)) faults.push(`${name}: mounts "${volume}", which is no volume`)
    for (const volume of volumes)
      if (!mounted.includes(volume)) faults.push(`${name}: volume "${volume}" is not mounted`)
  }
  for (const { kind, metadata, spec } of objects) {
    if (kind !== 'Service' && kind !== 'PodDisruptionBudget') continue
    const { selector } = (spec ?? {}) as { selector?: Selector & Labels }
    const selected = kind === 'Service' ? { matchLabels: selector } : selector
    // Without a selector a budget is for no pod, and a Service for those that somebody else names.
    const found = selector ? workloads.filter(({ labels }) => matches(selected as Selector, labels)) : []
    if (found.length !== 1 || found[0]?.name !== metadata.name)
      faults.push(`${kind} ${metadata.name}: selects ${found.map(({ name }) => name).join(', ') || 'nothing'}`)
  }
  return faults
}

export function labelFaults(objects: readonly KubernetesObject[]): string[] {
  const whole = (labels: Readonly<Record<string, string>> | undefined, of: string, without: readonly string[] = []) =>
    recommended
      .filter(label => !without.includes(label) && labels?.[`app.kubernetes.io/${label}`] === undefined)
      .map(label => `${of}: no label app.kubernetes.io/${label}`)
  return [
    ...objects.flatMap(({ kind, metadata }) =>
      whole(
        metadata.labels,
        `${kind} ${metadata.name}`,
        /^(NetworkPolicy|Namespace|ConfigMap)$/.test(kind) ? ['name', 'component'] : [],
      ),
    ),
    // The version stays out of pods' labels: what changes with each release there is the image.
    ...workloadsOf(objects).flatMap(({ name, labels }) => whole(labels, `pods of ${name}`, ['version', 'managed-by'])),
  ]
}
