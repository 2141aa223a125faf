// What kube-score remarks and stays as it is, with the reason.

import type { Remark } from './checkers.ts'

interface Exception {
  readonly check: string
  readonly object: RegExp
  readonly reason: string
}

export const exceptions: readonly Exception[] = []

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
