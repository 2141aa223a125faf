import type { JsonValue, Problem } from '@meshwork/contracts'

/** How one attempt of a step ended. */
export type Answer =
  | { readonly kind: 'result'; readonly output: JsonValue; readonly version: string; readonly outputHash: string }
  | { readonly kind: 'problem'; readonly problem: Problem; readonly retryAfterMs: number | undefined }
  | { readonly kind: 'aborted' }
  /** Another orchestrator made the call and is heard of no more: how it ended is not known. */
  | { readonly kind: 'lost' }
