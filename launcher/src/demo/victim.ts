// The service that the demo kills once, and what was finished by then.

import type { RunEvent } from '@meshwork/contracts'

/** The steps of the flight workflow whose name is not that of their stage. */
const stepOf: Readonly<Record<string, string>> = {
  inference: 'predict',
  aggregate: 'by_origin',
  orchestrator: 'predict', // the longest: the kill falls into its work
}

export class Victim {
  readonly service: string
  /** Steps that had ended when it was killed: none of them may be called again. */
  readonly finishedSteps: string[] = []
  #killed = false

  constructor(service: string) {
    this.service = service
  }

  /** True once: on the event at which the service is to be killed. */
  isDue({ type, step }: RunEvent): boolean {
    if (this.#killed || step === null) return false
    if (type === 'step.succeeded' || type === 'step.reused') this.finishedSteps.push(step)
    this.#killed = type === 'step.started' && step === (stepOf[this.service] ?? this.service)
    return this.#killed
  }
}
