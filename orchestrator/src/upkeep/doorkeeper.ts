// Lets runs of workflows that have limits begin: at once when another ends here, and otherwise by looking.

import type { Logger } from 'pino'
import type { Admission } from '../store/admission.ts'
import { Ticker } from './ticker.ts'

/** Runs may end at other orchestrators, too, and places there become free. */
const lookMs = 500

export class Doorkeeper extends Ticker {
  readonly #admission: Admission
  readonly #log: Logger
  readonly #admitted: () => void

  constructor(admission: Admission, log: Logger, admitted: () => void) {
    super(
      async () => {
        let next = lookMs
        for (const workflow of await admission.waiting()) {
          const { runs, waitMs } = await admission.admit(workflow)
          if (runs > 0) admitted()
          if (waitMs !== undefined) next = Math.min(next, Math.max(1, waitMs))
        }
        return next
      },
      error => log.warn({ err: error }, 'could not look for runs that may begin'),
    )
    this.#admission = admission
    this.#log = log
    this.#admitted = admitted
  }

  /** A run of the workflow has ended. Where it cannot be seen to now, the next look does. */
  async ended(workflow: string): Promise<void> {
    try {
      const { runs } = await this.#admission.admit(workflow)
      if (runs > 0) this.#admitted()
    } catch (error) {
      this.#log.warn({ err: error, workflow }, 'could not let another run begin; it is looked at again')
    }
  }
}
