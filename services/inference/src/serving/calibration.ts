import type { ProbeAnswer } from '../session/messages.ts'

export interface Batching {
  /** Most rows of a run that is merged from several requests; 1 where none are. */
  readonly rowsMax: number
  /** Whether the first dimension of everything is the rows. */
  readonly rowwise: boolean
  readonly reason: string
  readonly curve: ProbeAnswer['curve']
}

/** A longer batch has to earn at least this much more than the best shorter one. */
const gain = 1.05
/** Where even the longest probe still gains, batches may be this much longer. */
const beyond = 4

/** How many rows to merge, from the times of the probe. `wanted` is the switch of the manifest. Pure. */
export function calibrate({ unmergeable, curve }: ProbeAnswer, wanted: boolean | undefined, rowsMax: number): Batching {
  if (unmergeable !== undefined) return { rowsMax: 1, rowwise: false, reason: unmergeable, curve }
  if (wanted === false) return { rowsMax: 1, rowwise: true, reason: 'switched off in the manifest', curve }
  let best = { rows: 1, rate: 0 }
  for (const { rows, seconds } of curve) {
    const rate = rows / Math.max(seconds, 1e-9)
    if (rate > best.rate * gain) best = { rows, rate }
  }
  const longest = curve.at(-1)?.rows ?? 1
  if (wanted === true) return { rowsMax, rowwise: true, reason: 'switched on in the manifest', curve }
  if (best.rows === 1) return { rowsMax: 1, rowwise: true, reason: 'longer runs are no faster for a row', curve }
  const most = best.rows === longest ? longest * beyond : best.rows
  return { rowsMax: Math.min(most, rowsMax), rowwise: true, reason: `fastest for a row at ${best.rows} rows`, curve }
}
