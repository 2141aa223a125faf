// Has runs walked again whose wait is over, and steps told of their runs where nobody else could. Any number of
// orchestrators do: they pass over each other's rows, and telling twice does no harm.

import type { Logger } from 'pino'
import type { Signals } from '../store/signals.ts'
import type { SubRuns } from '../start/sub-runs.ts'
import { Ticker } from './ticker.ts'

/** Others may let a run rest, though for no less than a walk holds one that waits. */
const lookMs = 500

export class Waker extends Ticker {
  constructor(signals: Signals, subRuns: SubRuns, log: Logger, woken: () => void) {
    super(
      async () => {
        const { woken: count, waitMs } = await signals.wakeDue()
        const told = await subRuns.tellMissed()
        if (count > 0) woken()
        return count + told > 0 ? 0 : Math.min(lookMs, Math.max(1, waitMs ?? lookMs))
      },
      error => log.warn({ err: error }, 'could not look after runs that wait'),
    )
  }
}
