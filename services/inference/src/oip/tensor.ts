import type { TensorData } from '../model/tensor-type.ts'
import type { Datatype } from './datatype.ts'

export interface OipTensor {
  readonly name: string
  readonly datatype: Datatype
  /** With the batch. */
  readonly shape: readonly number[]
  /** Row by row. */
  readonly data: TensorData
}

/** What a model takes or gives, as its metadata say; -1 where any size goes. */
export interface TensorFace {
  readonly name: string
  readonly datatype: Datatype
  /** undefined where the file does not say it, and for a scalar, which looks the same. */
  readonly shape: readonly number[] | undefined
}

export interface ModelFace {
  readonly name: string
  readonly version: string
  readonly inputs: readonly TensorFace[]
  readonly outputs: readonly TensorFace[]
}
