// The folder of models: `<name>/<version>/manifest.json`. A version without a manifest does not exist (the manifest is
// written last). Names are checked patterns and numbers, never paths.

import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { closest, compile, MeshError, ModelManifest, ModelName, ModelTraffic } from '@meshwork/contracts'
import type { ModelFile } from '../session/messages.ts'

export interface StoredModel {
  readonly manifest: ModelManifest
  readonly file: ModelFile
}

const manifestBytesMax = 1024 * 1024
const runMsMaxDefault = 10_000
const trafficBytesMax = 65_536
const namesShownMax = 30
const isName = (name: string): boolean => compile(ModelName).check(name).length === 0

export class ModelRepository {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  /** The version asked for, or the newest one. */
  async find(model: string, version?: number): Promise<StoredModel> {
    if (!isName(model)) throw await this.#unknown(model)
    const versions = await this.#versions(model)
    const newest = versions.at(-1)
    if (newest === undefined) throw await this.#unknown(model)
    const wanted = version ?? newest
    if (!versions.includes(wanted))
      throw new MeshError('MESHWORK_INFERENCE_VERSION_UNKNOWN', {
        model,
        version: wanted,
        versions: versions.slice(-namesShownMax).join(', '),
      })
    const folder = join(this.#folder, model, String(wanted))
    const manifest = await readManifest(join(folder, 'manifest.json'), model, wanted)
    const { sha256, file, process: own } = manifest
    const isolated = own && { process: { count: own.count ?? 1, runMsMax: own.runMsMax ?? runMsMaxDefault } }
    return { manifest, file: { key: `${model}/${wanted}/${sha256}`, path: join(folder, file), sha256, ...isolated } }
  }

  /** Every model with its versions, the newest first. */
  async list(): Promise<{ readonly name: string; readonly versions: readonly number[] }[]> {
    const models: { name: string; versions: number[] }[] = []
    for (const name of (await folders(this.#folder)).sort()) {
      if (!isName(name)) continue
      const versions = await this.#versions(name)
      if (versions.length > 0) models.push({ name, versions: versions.reverse() })
    }
    return models
  }

  /** How its versions share the requests; undefined where the model has no traffic.json. Throws an Error that says what is wrong with it. */
  async traffic(model: string): Promise<ModelTraffic | undefined> {
    const path = join(this.#folder, model, 'traffic.json')
    if (!(await isFile(path))) return undefined
    if ((await stat(path)).size > trafficBytesMax)
      throw new Error(`traffic.json has more than ${trafficBytesMax} bytes`)
    let read: unknown
    try {
      read = JSON.parse(await readFile(path, 'utf8'))
    } catch {
      throw new Error('traffic.json is not JSON')
    }
    const [fault] = compile(ModelTraffic).check(read)
    if (fault) throw new Error(`traffic.json is wrong: ${fault.pointer} ${fault.detail}`)
    const traffic = read as ModelTraffic
    if (Object.values(traffic.weights).every(weight => weight === 0))
      throw new Error('traffic.json is wrong: no version has a weight above 0')
    return traffic
  }

  /** Ascending. */
  async #versions(model: string): Promise<number[]> {
    const numbers = (await folders(join(this.#folder, model))).filter(name => /^[1-9]\d{0,8}$/.test(name))
    const published = await Promise.all(
      numbers.map(async name => await isFile(join(this.#folder, model, name, 'manifest.json'))),
    )
    return numbers
      .filter((_, i) => published[i])
      .map(Number)
      .sort((a, b) => a - b)
  }

  async #unknown(model: string): Promise<MeshError> {
    const names: string[] = []
    for (const name of await folders(this.#folder))
      if (isName(name) && (await this.#versions(name)).length > 0) names.push(name)
    const near = closest(model, names)
    return new MeshError('MESHWORK_INFERENCE_MODEL_UNKNOWN', {
      model,
      suggestion: near === undefined ? '' : ` (did you mean "${near}"?)`,
      models: names.sort().slice(0, namesShownMax).join(', ') || 'none',
    })
  }
}

async function readManifest(path: string, model: string, version: number): Promise<ModelManifest> {
  const refuse = (reason: string) => new MeshError('MESHWORK_INFERENCE_MANIFEST_INVALID', { model, version, reason })
  if ((await stat(path)).size > manifestBytesMax) throw refuse(`it has more than ${manifestBytesMax} bytes`)
  let value: unknown
  try {
    value = JSON.parse(await readFile(path, 'utf8'))
  } catch {
    throw refuse('it is not JSON')
  }
  const [fault] = compile(ModelManifest).check(value)
  if (fault) throw refuse(`${fault.pointer} ${fault.detail}`)
  const manifest = value as ModelManifest
  if (manifest.name !== model || manifest.version !== version)
    throw refuse(`it is of ${manifest.name} version ${manifest.version}`)
  return manifest
}

async function folders(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return []
    throw error
  })
  return entries.filter(entry => entry.isDirectory()).map(({ name }) => name)
}

const isFile = async (path: string): Promise<boolean> =>
  await stat(path).then(
    found => found.isFile(),
    () => false,
  )
