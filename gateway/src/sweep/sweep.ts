// Clears the artefact store of what nothing refers to.
//
// Invariants
//  G1 Nothing is removed that was put within the time that is kept: it may be in the making, or about to be named.
//  G2 Nothing is removed that the orchestrator names when it is asked last, shortly before the removal.
//  G3 When anything cannot be read, nothing is removed from there on.

import type { SweepView } from '@meshwork/contracts'
import type { ArtefactStore, ListedArtefact } from '@meshwork/kit'
import { type ReadPage, Referred } from './referred.ts'

export interface SweepOptions {
  readonly store: ArtefactStore
  readonly readPage: ReadPage
  readonly keepSeconds: number
  readonly dryRun: boolean
  readonly signal: AbortSignal
}

const batchMax = 1000
/** Ends of runs are told by another clock. */
const skewMs = 3_600_000
const removedAtOnce = 8

export async function sweep({ store, readPage, keepSeconds, dryRun, signal }: SweepOptions): Promise<SweepView> {
  const begun = new Date()
  const before = begun.getTime() - keepSeconds * 1000
  const referred = new Referred(store, readPage)
  await referred.read()
  let artefacts = 0
  let bytes = 0
  const remove = async (batch: readonly ListedArtefact[]) => {
    if (!dryRun) await referred.read(new Date(begun.getTime() - skewMs))
    for (let i = 0; i < batch.length; i += removedAtOnce) {
      signal.throwIfAborted()
      const some = batch.slice(i, i + removedAtOnce).filter(({ hash }) => !referred.has(hash))
      const gone = await Promise.all(some.map(async ({ hash }) => dryRun || (await store.remove(hash, before))))
      for (const [n, { bytes: size }] of some.entries()) {
        if (!gone[n]) continue
        artefacts++
        bytes += size
      }
    }
  }
  let batch: ListedArtefact[] = []
  for await (const artefact of store.list()) {
    if (artefact.putAt >= before || referred.has(artefact.hash)) continue
    batch.push(artefact)
    if (batch.length < batchMax) continue
    await remove(batch)
    batch = []
  }
  await remove(batch)
  const records = await store.records.removeOld(before, dryRun)
  return { dryRun, keepSeconds, artefacts, bytes, records }
}
