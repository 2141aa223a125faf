/** A change of one place in a source file of the orchestrator, made when a process loads it and nowhere else. */
export interface Patch {
  /** Path under orchestrator/src. */
  readonly file: string
  /** Stands in it once; else the patch has outlived its place, and the process does not start. */
  readonly find: string
  readonly put: string
}

export function applyPatch(source: string, { file, find, put }: Patch): string {
  const parts = source.split(find)
  if (parts.length !== 2) throw new Error(`${file} holds ${parts.length - 1} times: ${find}`)
  return parts.join(put)
}
