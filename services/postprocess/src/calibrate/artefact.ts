import {
  type ArtefactRef,
  type Calibration,
  canonicalJson,
  compile,
  FittedCalibrations,
  MeshError,
} from '@meshwork/contracts'
import type { ArtefactStore } from '@meshwork/kit'

const schema = 'meshwork.calibration/1'

export async function writeCalibrations(
  store: ArtefactStore,
  columns: Readonly<Record<string, Calibration>>,
): Promise<ArtefactRef | null> {
  if (Object.keys(columns).length === 0) return null
  const { hash, bytes } = await store.put(canonicalJson({ schema, columns }))
  return { kind: 'artefact', hash, bytes, mediaType: 'application/json', name: 'calibration.json' }
}

/** The calibration that made a column of this name, or the only one there is. */
export async function readCalibration(
  store: ArtefactStore,
  { hash }: ArtefactRef,
  wanted: { where: string; as: string; method: string },
): Promise<Calibration> {
  const refuse = (reason: string) =>
    new MeshError('MESHWORK_POSTPROCESS_FITTED_INVALID', { where: wanted.where, hash, reason })
  const content = await store.read(hash)
  let artefact: unknown
  try {
    artefact = JSON.parse(content.toString('utf8'))
  } catch {
    throw refuse('it is not JSON')
  }
  const [fault] = compile(FittedCalibrations).check(artefact)
  if (fault) throw refuse(`${fault.pointer} ${fault.detail}`)
  const all = Object.entries((artefact as FittedCalibrations).columns)
  const [, found] = all.find(([name]) => name === wanted.as) ?? (all.length === 1 ? all : [])[0] ?? []
  if (found === undefined)
    throw refuse(`it has none for "${wanted.as}", only for ${all.map(([name]) => `"${name}"`).join(', ')}`)
  if (found.method !== wanted.method) throw refuse(`it was fitted by ${found.method}, not by ${wanted.method}`)
  if (found.method === 'isotonic' && found.knots.some(({ x }, i) => i > 0 && x <= (found.knots[i - 1]?.x ?? x)))
    throw refuse('its knots do not ascend')
  return found
}
