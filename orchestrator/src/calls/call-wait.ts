// What a call waits for before it is sent, and how that is told. Pure.

import { durationText } from '../plan/duration.ts'

export type CallWait =
  /** All that serve the contract are left alone, or being tried, after failures. */
  | { readonly reason: 'no-deployment'; readonly contract: string; readonly urls: readonly string[] }
  | { readonly reason: 'retry-budget'; readonly url: string }
  | { readonly reason: 'deployment-places'; readonly url: string; readonly max: number }
  | { readonly reason: 'stage-concurrency'; readonly stage: string; readonly max: number }
  | { readonly reason: 'stage-rate'; readonly stage: string; readonly count: number; readonly perMs: number }

/** A call as those see it who let it wait. */
export interface Waits {
  readonly signal: AbortSignal
  /** Told before it waits. */
  readonly onWait: (wait: CallWait) => void
}

/** Whether somebody has to do something about it; else it goes on by itself. */
export const isStuck = ({ reason }: CallWait): boolean => reason === 'no-deployment'

/** A sentence without its full stop. */
export function waitText(wait: CallWait): string {
  switch (wait.reason) {
    case 'no-deployment':
      return `No deployment of "${wait.contract}" answers: ${wait.urls.join(', ')} failed call after call and is tried again from time to time (GET /v1/stages)`
    case 'retry-budget':
      return `The budget of ${wait.url} for repeated calls is used up; it grows by ten a second, and with first calls`
    case 'deployment-places':
      return `${wait.url} has ${wait.max} calls in flight, which is all (MESHWORK_STAGE_CALLS_MAX)`
    case 'stage-concurrency':
      return `Stage "${wait.stage}" may have ${wait.max} calls in flight over all orchestrators (PUT /v1/stages/${wait.stage}/limit)`
    case 'stage-rate':
      return `Stage "${wait.stage}" may be called ${wait.count} times in ${durationText(wait.perMs)} (PUT /v1/stages/${wait.stage}/limit)`
  }
}
