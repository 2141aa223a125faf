// What the main thread and the workers say to each other. Buffers travel by transfer and come back with the answer.

import type { TensorData, TensorType } from '../model/tensor-type.ts'
import type { ElementType } from '../oip/datatype.ts'

export interface ModelFile {
  readonly key: string
  readonly path: string
  readonly sha256: string
  /** Where it runs in processes of its own: how many, and how long a run may take before its process is ended. */
  readonly process?: { readonly count: number; readonly runMsMax: number }
}

/** An input or output as the ONNX file declares it; a dimension that is not fixed is -1. */
export interface Declared {
  readonly name: string
  readonly tensor: boolean
  readonly type: string
  readonly shape: readonly number[]
  /** Name of the first dimension where it is open and has one. */
  readonly batchSymbol?: string
}

export interface Feed {
  readonly name: string
  readonly type: TensorType
  /** Dimensions after the batch. */
  readonly shape: readonly number[]
  /** Room for whole steps; what lies behind the rows is filled up by the worker where the batch is fixed. */
  readonly data: TensorData
}

export interface Take {
  readonly output: string
  /** One place of the second dimension; all of it without. */
  readonly place?: number
}

export interface RunRequest {
  readonly file: ModelFile
  readonly rows: number
  /** Rows of one run of the session. */
  readonly stepRows: number
  /** Whether a run must have exactly `stepRows` rows. */
  readonly fixed: boolean
  readonly feeds: readonly Feed[]
  readonly take: readonly Take[]
}

/** A tensor of any type and shape. */
export interface Value {
  readonly name: string
  readonly type: ElementType
  readonly dims: readonly number[]
  readonly data: TensorData
}
/** One request for inference: the tensors that go in and the names of those that come out. */
export interface InferCall {
  readonly feeds: readonly Value[]
  readonly outputs: readonly string[]
}
/** Calls that want the same outputs, their rows one after the other. */
export interface InferBatch {
  readonly file: ModelFile
  readonly feeds: readonly Value[]
  readonly outputs: readonly string[]
  /** Of each call. Those of a single one need not be its first dimension. */
  readonly rows: readonly number[]
}
export type CallAnswer =
  | { readonly kind: 'outputs'; readonly outputs: readonly Value[] }
  | { readonly kind: 'fault'; readonly fault: Fault }
export interface InferAnswer {
  /** What came out where the calls went through as one: rows for rows. */
  readonly merged?: readonly Value[]
  /** In the order of the calls, where they went through alone. */
  readonly calls?: readonly CallAnswer[]
  /** Of the session: 1 where the batch went through as one. */
  readonly runs: number
  readonly seconds: { readonly input: number; readonly infer: number; readonly output: number }
}
/** What a session made of probing rows. */
export interface ProbeAnswer {
  /** Why batches must not be merged; undefined where they may. */
  readonly unmergeable: string | undefined
  readonly curve: readonly { readonly rows: number; readonly seconds: number }[]
}

export type Fault =
  | { readonly what: 'corrupt'; readonly actual: string }
  | { readonly what: 'unreadable'; readonly reason: string }
  | { readonly what: 'run'; readonly reason: string; readonly rows: number }
  | { readonly what: 'shape'; readonly output: string; readonly shape: readonly number[]; readonly rows: number }

export interface RunAnswer {
  /** One array for each thing taken, row by row. */
  readonly values: TensorData[]
  readonly feeds: readonly Feed[]
  readonly seconds: number
}
export interface LoadAnswer {
  readonly inputs: readonly Declared[]
  readonly outputs: readonly Declared[]
}

export type Request =
  | { readonly kind: 'load'; readonly id: number; readonly file: ModelFile }
  | ({ readonly kind: 'run'; readonly id: number } & RunRequest)
  | ({ readonly kind: 'infer'; readonly id: number } & InferBatch)
  | { readonly kind: 'probe'; readonly id: number; readonly file: ModelFile; readonly rowsMax: number }
  | { readonly kind: 'unload'; readonly key: string }
  | { readonly kind: 'stop' }

export type Answer = RunAnswer | LoadAnswer | InferAnswer | ProbeAnswer

export type Reply =
  | { readonly id: number; readonly kind: 'done'; readonly answer: Answer }
  | { readonly id: number; readonly kind: 'failed'; readonly fault: Fault }
