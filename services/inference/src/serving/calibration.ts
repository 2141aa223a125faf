import type { LoadAnswer, ProbeAnswer } from '../session/messages.ts'

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

/** A file of more takes long to open, and its session would be kept once more. */
const inlineBytesMax = 4_194_304

/**
 * Rows of a run that is so short that it is made on the thread of HTTP; 0 for a model whose runs belong to the workers.
 * Only where every request of so many rows has the size that was tried. Pure.
 */
export function inlineRows(
  { rowwise, rowsMax, curve }: Batching,
  { inputs, outputs }: LoadAnswer,
  { bytes, runSecondsMax }: { readonly bytes: number; readonly runSecondsMax: number },
): number {
  const sized = inputs.every(({ type, shape }) => type !== 'string' && !shape.slice(1).includes(-1))
  // The binding knows the bits of float16 only in the workers, see half-as-bits.ts.
  const halves = [...inputs, ...outputs].some(({ type }) => type === 'float16')
  if (!rowwise || !sized || halves || bytes > inlineBytesMax) return 0
  const quick = curve.filter(({ rows, seconds }) => rows <= rowsMax && seconds <= runSecondsMax)
  return quick.at(-1)?.rows ?? 0
}
