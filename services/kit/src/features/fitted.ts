// Fitted features as an artefact: canonical JSON, so that equal learning has an equal address.

import { type ArtefactRef, canonicalJson, compile, FittedFeatures, MeshError } from '@meshwork/contracts'
import type { ArtefactStore } from '../data/store.ts'
import { feature, learns } from './feature.ts'

const mediaType = 'application/json'

export async function writeFitted(store: ArtefactStore, fitted: FittedFeatures): Promise<ArtefactRef> {
  const { hash, bytes } = await store.put(canonicalJson(fitted))
  return { kind: 'artefact', hash, bytes, mediaType, name: 'features.json' }
}

export async function readFitted(store: ArtefactStore, { hash }: ArtefactRef): Promise<FittedFeatures> {
  return parseFitted((await store.read(hash)).toString('utf8'), hash)
}

/** `hash` names it in messages. */
export function parseFitted(content: string, hash: string): FittedFeatures {
  const refuse = (reason: string) => new MeshError('MESHWORK_FEATURES_FITTED_INVALID', { hash, reason })
  let value: unknown
  try {
    value = JSON.parse(content)
  } catch {
    throw refuse('it is not JSON')
  }
  const [fault] = compile(FittedFeatures).check(value)
  if (fault) throw refuse(`${fault.pointer} ${fault.detail}`)
  const fitted = value as FittedFeatures
  const seen = new Set<string>()
  for (const column of fitted.columns) {
    const { name } = column
    const { spec } = feature(column)
    const given = spec.kind === 'bins' && spec.edges !== undefined
    if (learns(spec) && column.fitted === undefined && !given) throw refuse(`feature "${name}" has nothing fitted`)
    if (seen.has(name)) throw refuse(`feature "${name}" stands in it twice`)
    seen.add(name)
  }
  return fitted
}
