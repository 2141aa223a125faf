// Watches what a served version is sent and answers. What it costs is bounded: of more rows than `rowsPerSecond` only
// some are looked at, evenly taken. A window is closed when it has enough rows, or is old enough.

import type { DriftReport, ModelReference } from '@meshwork/contracts'
import type { OipTensor } from '../oip/tensor.ts'
import { compare } from './compare.ts'
import { Tally } from './tally.ts'

export interface MonitorSettings {
  readonly rowsPerSecond: number
  readonly windowRows: number
  readonly windowMs: number
}

export interface ClosedWindow {
  /** Milliseconds since 1970. */
  readonly from: number
  readonly to: number
  readonly report: DriftReport
}

export const usualSettings: MonitorSettings = { rowsPerSecond: 1000, windowRows: 5000, windowMs: 3_600_000 }
const windowsKept = 48

export class DriftMonitor {
  readonly settings: MonitorSettings
  readonly reference: ModelReference
  readonly #model: { readonly name: string; readonly version: number }
  /** All that was ever looked at, for those who compute over other times. */
  readonly all: Tally
  #tally: Tally
  #from: number
  #rows = 0
  /** Rows that may be looked at, and when that was reckoned. */
  #budget: number
  #at: number
  #windows: ClosedWindow[] = []

  constructor(
    model: { readonly name: string; readonly version: number },
    reference: ModelReference,
    settings = usualSettings,
    now = Date.now(),
  ) {
    this.#model = model
    this.reference = reference
    this.settings = settings
    this.all = new Tally(reference)
    this.#tally = new Tally(reference)
    this.#from = now
    this.#at = now
    this.#budget = settings.rowsPerSecond
  }

  /** Which rows of a request to look at; none where there were enough of late. */
  choose(rows: number, now = Date.now()): readonly number[] {
    const { rowsPerSecond } = this.settings
    this.#budget = Math.min(rowsPerSecond, this.#budget + ((now - this.#at) / 1000) * rowsPerSecond)
    this.#at = now
    const count = Math.min(rows, Math.floor(this.#budget))
    if (count === 0) return []
    this.#budget -= count
    this.#roll(now)
    this.#rows += count
    if (count === rows) return Array.from({ length: rows }, (_, i) => i)
    const step = rows / count
    const first = Math.random() * step
    return Array.from({ length: count }, (_, i) => Math.floor(first + i * step))
  }

  look(side: 'input' | 'output', tensors: readonly OipTensor[], rows: readonly number[]): void {
    for (const { name, datatype, shape, data } of tensors) {
      if (datatype === 'FP16') continue // its numbers are bits here
      const count = shape[0] ?? 1
      const width = count === 0 ? 0 : data.length / count
      this.#tally.add(side, name, data, width, rows)
      this.all.add(side, name, data, width, rows)
    }
  }

  /** Windows that are closed, the newest first, and the one that is open. */
  view(now = Date.now()): { readonly open: ClosedWindow; readonly closed: readonly ClosedWindow[] } {
    this.#roll(now)
    return { open: this.#window(now), closed: this.#windows }
  }

  #window(now: number): ClosedWindow {
    return { from: this.#from, to: now, report: compare(this.#model, this.reference, this.#tally.counts) }
  }

  #roll(now: number): void {
    const { windowRows, windowMs } = this.settings
    const old = now - this.#from >= windowMs
    if (this.#rows < windowRows && !old) return
    if (this.#rows > 0) this.#windows = [this.#window(now), ...this.#windows].slice(0, windowsKept)
    this.#tally = new Tally(this.reference)
    this.#rows = 0
    this.#from = now
  }
}
