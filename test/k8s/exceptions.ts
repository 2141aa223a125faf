// What kube-score remarks and stays as it is, with the reason.

import type { Remark } from './checkers.ts'

interface Exception {
  readonly check: string
  readonly object: RegExp
  readonly reason: string
}

export const exceptions: readonly Exception[] = [
  {
    check: 'container-image-pull-policy',
    object: /./,
    reason: 'Tags do not move and production names digests; in dev and ci no registry is asked.',
  },
  {
    check: 'container-security-context-user-group-id',
    object: /./,
    reason: 'The users are those of the images, to whom their files belong.',
  },
  {
    check: 'deployment-has-host-podantiaffinity',
    object: /^Deployment /,
    reason: 'Pods are spread over nodes and zones by topologySpreadConstraints, which k8s/policy/sizes.ts looks at.',
  },
  {
    check: 'deployment-replicas',
    object: /^Deployment /,
    reason: 'dev and ci are small on purpose; in staging and production an autoscaler has two at the least.',
  },
]

const covers = ({ check, object }: Exception, remark: Remark): boolean =>
  check === remark.check && object.test(remark.object)

export function unexplained(remarks: readonly Remark[]): Remark[] {
  return remarks.filter(remark => !exceptions.some(exception => covers(exception, remark)))
}

/** Exceptions that nothing is excepted by any more. */
export function unused(remarks: readonly Remark[]): string[] {
  return exceptions
    .filter(exception => !remarks.some(remark => covers(exception, remark)))
    .map(({ check, object }) => `${check} of ${String(object)}`)
}
