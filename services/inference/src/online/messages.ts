// What the service and the processes that make features say to each other.

import type { ArtefactRef, Column, InferenceInput } from '@meshwork/contracts'
import type { Cells } from '@meshwork/kit'
import type { ModelInput } from '../model/signature.ts'
import type { TensorData, TensorType } from '../model/tensor-type.ts'

/** Where fitted features stand: in the store, or beside a version of a model, which never changes. */
export type FeaturesAt =
  | { readonly kind: 'artefact'; readonly ref: ArtefactRef }
  | { readonly kind: 'file'; readonly path: string; readonly key: string }

export interface FeatureWork {
  readonly model: { readonly model: string; readonly version: number }
  readonly inputs: readonly ModelInput[]
  readonly asked: Pick<InferenceInput, 'inputs' | 'nulls'>
  readonly features: FeaturesAt | undefined
  readonly columns: readonly Column[]
  readonly records: readonly Cells[]
}

/** An input of the model, filled. */
export interface MadeInput {
  readonly name: string
  readonly type: TensorType
  /** With the rows. */
  readonly shape: readonly number[]
  readonly data: TensorData
}
