import type { Evaluation } from '@meshwork/contracts'

/** What a task finds out; the stage adds what was asked, and the gates. */
export type Judgement = Omit<Evaluation, 'schema' | 'task' | 'gates' | 'judged'> & {
  readonly judged: { readonly threshold: number | null }
}

export type Progress = (fraction: number, detail?: { rows?: number; message?: string }) => void
