// Which versions of which models answer requests, and the way a new one takes the place of an old one.
//
//  S1 A version is served only after it was loaded in every worker, checked, warmed and tried on its golden rows.
//  S2 A new version takes over in one step; the old one answers what it has, and gives its memory back afterwards.
//  S3 A version that fails changes nothing: the one before it goes on. It is tried again when its manifest changes, or
//     when it is asked for.
//  S4 Changes of one model happen one after the other; one that makes room takes it from models that are not changing.
//  S5 With a traffic.json the versions that it names are served beside the newest, and requests that name no version go to
//     them by weight; one that cannot be read changes nothing.

import type { ServiceContext } from '@meshwork/kit'
import type { ModelTraffic } from '@meshwork/contracts'
import { OipFault } from '../oip/fault.ts'
import type { ModelRepository, StoredModel } from '../repository/repository.ts'
import { choose, heaviest, namedBy } from '../traffic/choose.ts'
import { Shadow, type ShadowObserver } from '../traffic/shadow.ts'
import type { QualityBook } from '../quality/book.ts'
import { ServedVersion, type VersionParts } from './served-version.ts'

export type State = 'READY' | 'LOADING' | 'UNLOADING' | 'UNAVAILABLE'
export interface IndexEntry {
  readonly name: string
  readonly version?: string
  readonly state: State
  readonly reason: string
}
interface Note {
  readonly state: State
  readonly reason: string
  /** Of the file that failed. */
  readonly key: string
}
interface Entry {
  /** By number, the newest first. */
  active: ReadonlyMap<number, ServedVersion>
  readonly notes: Map<number, Note>
  /** Whether it is to be served at all. */
  wanted: boolean
  /** How versions share the requests that name none; the newest gets all of them without it. */
  traffic: ModelTraffic | undefined
  /** Of the file that cannot be used; what was there before holds on. */
  trafficFault: string | undefined
  shadow: Shadow | undefined
  changing: Promise<unknown>
  /** That are under way or wait for each other. */
  changes: number
}

export interface ServedModelsOptions extends VersionParts {
  readonly repository: ModelRepository
  readonly log: ServiceContext['log']
  readonly shadows: ShadowObserver
  /** Told of every version that begins to answer. */
  readonly onServed?: (version: ServedVersion) => void
}

const modelsMax = 1000
const retryAfterSeconds = 1

export class ServedModels {
  readonly #options: ServedModelsOptions
  readonly #entries = new Map<string, Entry>()
  readonly #retiring = new Set<Promise<void>>()
  #timer: NodeJS.Timeout | undefined
  #polling: Promise<void> | undefined
  /** Whether the names in the folder are known, and whether everything in it was loaded or refused. */
  #listed = false
  #looked = false
  #closing = false

  constructor(options: ServedModelsOptions) {
    this.#options = options
  }

  /** Begins to load what is to be served; does not wait for it. */
  start(): void {
    const { limits } = this.#options
    if (limits.control === 'explicit') {
      this.#listed = true
      this.#looked = true
      return
    }
    const again = () => {
      this.#polling = this.poll()
        .catch((error: unknown) => this.#options.log.warn({ err: error }, 'the folder of models cannot be read'))
        .finally(() => {
          if (this.#closing) return
          this.#timer = setTimeout(again, limits.pollMs)
          this.#timer.unref()
        })
    }
    again()
  }

  /** Brings what is served in line with the folder, once. */
  async poll(): Promise<void> {
    const found = await this.#options.repository.list()
    const names = new Set(found.slice(0, modelsMax).map(({ name }) => name))
    for (const name of names) this.#entry(name, true)
    this.#listed = true
    for (const [name, { wanted }] of this.#entries) {
      if (this.#closing) return
      if (wanted) await this.#change(name, async entry => await this.#reconcile(name, entry, names.has(name)))
    }
    this.#looked = true
  }

  /** Whether everything that is to be served is. */
  get ready(): boolean {
    if (this.#closing || !this.#looked) return false
    return [...this.#entries.values()].every(({ wanted, active }) => !wanted || active.size > 0)
  }

  /** Throws a 404 for what is not there, and a 503 for what is not there yet. */
  find(name: string, version?: string): ServedVersion {
    const entry = this.#entries.get(name)
    const [newest] = entry?.active.values() ?? []
    if (entry === undefined && !this.#listed)
      throw new OipFault(503, 'the folder of models has not been read yet', retryAfterSeconds)
    if (entry === undefined || (newest === undefined && entry.notes.size === 0 && !entry.wanted)) {
      const known = this.versions().map(one => `'${one.name}'`)
      throw new OipFault(
        404,
        `Request for unknown model: '${name.slice(0, 100)}' is not found; models that are ready: ${known.slice(0, 30).join(', ') || 'none'}`,
      )
    }
    if (newest === undefined) {
      const [note] = entry.notes.values()
      throw new OipFault(503, `Model '${name}' is not ready: ${note?.reason || 'it is loading'}`, retryAfterSeconds)
    }
    if (version === undefined) return this.#speaker(entry, newest)
    const served = entry.active.get(Number(version))
    if (served !== undefined) return served
    const note = entry.notes.get(Number(version))
    if (note !== undefined)
      throw new OipFault(
        503,
        `Version ${version} of model '${name}' is not ready: ${note.reason || 'it is loading'}`,
        retryAfterSeconds,
      )
    throw new OipFault(
      404,
      `Request for unknown model: '${name}' version ${version.slice(0, 20)} is not served; its versions are: ${[...entry.active.keys()].join(', ')}`,
    )
  }

  /** The version for a request that names none. Throws as `find` does. */
  choose(name: string, random = Math.random()): ServedVersion {
    const speaker = this.find(name)
    const entry = this.#entries.get(name) as Entry
    const chosen = entry.traffic && choose(entry.traffic.weights, [...entry.active.keys()], random)
    return (chosen === undefined ? undefined : entry.active.get(chosen)) ?? speaker
  }

  /** The version that is asked as well what others answer. */
  shadowOf(name: string): Shadow | undefined {
    return this.#entries.get(name)?.shadow
  }

  /** How its versions share requests, and which of them are served. Throws as `find` does. */
  trafficOf(name: string) {
    this.find(name)
    const { traffic, trafficFault, active, shadow } = this.#entries.get(name) as Entry
    return { traffic, fault: trafficFault, served: [...active.keys()], shadow }
  }

  get quality(): QualityBook {
    return this.#options.quality
  }

  /** Every version that answers, by name. */
  versions(): ServedVersion[] {
    return [...this.#entries.values()].flatMap(({ active }) => [...active.values()])
  }

  versionsOf(name: string): string[] {
    return [...(this.#entries.get(name)?.active.keys() ?? [])].map(String)
  }

  async index(readyOnly: boolean): Promise<IndexEntry[]> {
    const index: IndexEntry[] = []
    for (const [name, { active, notes }] of this.#entries) {
      for (const version of active.keys()) index.push({ name, version: String(version), state: 'READY', reason: '' })
      for (const [version, { state, reason }] of notes)
        if (!readyOnly) index.push({ name, version: String(version), state, reason })
    }
    if (readyOnly) return index
    const told = new Set(index.map(({ name }) => name))
    for (const { name } of await this.#options.repository.list())
      if (!told.has(name)) index.push({ name, state: 'UNAVAILABLE', reason: 'not loaded' })
    return index
  }

  /** Serves the newest versions of a model, tried again even where they failed before. Throws a 400 that says why not. */
  async load(name: string): Promise<void> {
    const found = (await this.#options.repository.list()).find(model => model.name === name)
    if (found === undefined)
      throw new OipFault(400, `failed to load '${name.slice(0, 100)}', it is not in the folder of models`)
    this.#entry(name, true).wanted = true
    await this.#change(name, async entry => {
      entry.notes.clear()
      await this.#reconcile(name, entry, true)
      const newest = found.versions[0] as number
      const note = entry.notes.get(newest)
      if (note !== undefined) throw new OipFault(400, `failed to load '${name}' version ${newest}: ${note.reason}`)
    })
  }

  async unload(name: string): Promise<void> {
    const entry = this.#entries.get(name)
    if (entry === undefined) throw new OipFault(400, `failed to unload '${name.slice(0, 100)}', it is not loaded`)
    entry.wanted = false
    await this.#change(name, async () => {
      entry.notes.clear()
      await this.#activate(entry, new Map())
      this.#setShadow(entry)
    })
  }

  /** Waits for what is under way and lets go of everything. */
  async close(): Promise<void> {
    this.#closing = true
    clearTimeout(this.#timer)
    await this.#polling
    await Promise.allSettled([...this.#entries.values()].map(({ changing }) => changing))
    await Promise.all(this.versions().map(async version => await version.retire()))
    await Promise.all(this.#retiring)
  }

  #entry(name: string, wanted: boolean): Entry {
    let entry = this.#entries.get(name)
    if (entry === undefined) {
      entry = {
        active: new Map(),
        notes: new Map(),
        wanted,
        changing: Promise.resolve(),
        changes: 0,
        traffic: undefined,
        trafficFault: undefined,
        shadow: undefined,
      }
      this.#entries.set(name, entry)
    }
    return entry
  }

  async #change(name: string, work: (entry: Entry) => Promise<void>): Promise<void> {
    const entry = this.#entry(name, true)
    entry.changes++
    const change = entry.changing
      .then(async () => {
        if (!this.#closing) await work(entry)
      })
      .finally(() => entry.changes--)
    entry.changing = change.catch(() => {})
    await change
  }

  #speaker({ traffic, active }: Entry, newest: ServedVersion): ServedVersion {
    const version = traffic && heaviest(traffic.weights, [...active.keys()])
    return (version === undefined ? undefined : active.get(version)) ?? newest
  }

  async #readTraffic(name: string, entry: Entry): Promise<void> {
    try {
      entry.traffic = await this.#options.repository.traffic(name)
      entry.trafficFault = undefined
      // The new one is asked when all that the traffic names is loaded; the old one is not, and not told of, from now on.
      const wanted = entry.traffic?.shadow?.version
      if (entry.shadow && entry.shadow.version.manifest.version !== wanted) entry.shadow = undefined
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      if (entry.trafficFault !== reason) this.#options.log.warn({ model: name, reason }, 'traffic not changed')
      entry.trafficFault = reason
    }
  }

  #setShadow(entry: Entry): void {
    const { traffic, active } = entry
    const version = traffic?.shadow && active.get(traffic.shadow.version)
    const settings = traffic?.shadow
    const stays =
      version === entry.shadow?.version && JSON.stringify(settings) === JSON.stringify(entry.shadow?.settings)
    if (!stays) entry.shadow = version && settings && new Shadow(version, settings, this.#options.shadows)
  }

  /** The newest versions that can be served, of those in the folder, and those that traffic names. */
  async #reconcile(name: string, entry: Entry, exists: boolean): Promise<void> {
    const { repository, limits } = this.#options
    const found = exists ? (await repository.list()).find(model => model.name === name) : undefined
    const numbers = found?.versions ?? []
    for (const version of entry.notes.keys()) if (!numbers.includes(version)) entry.notes.delete(version)
    await this.#readTraffic(name, entry)
    const named = entry.traffic ? namedBy(entry.traffic) : []
    const next = new Map<number, ServedVersion>()
    let newest = 0
    for (const number of numbers) {
      if (this.#closing) break
      if (newest >= limits.versionsMax && !named.includes(number)) continue
      const version = await this.#versionOf(name, number, entry)
      if (version !== undefined) next.set(number, version)
      if (version !== undefined) newest++
      // The newest is not kept waiting by the ones behind it.
      if (next.size === 1 && !entry.active.has(number)) entry.active = new Map([...next, ...entry.active])
    }
    await this.#activate(entry, next)
    this.#setShadow(entry)
    if (numbers.length === 0 && entry.active.size === 0) this.#entries.delete(name)
  }

  /** The version as it is served, or newly loaded; undefined where it cannot be. */
  async #versionOf(name: string, number: number, entry: Entry): Promise<ServedVersion | undefined> {
    const { log } = this.#options
    const active = entry.active.get(number)
    let key = ''
    try {
      const stored = await this.#options.repository.find(name, number)
      key = stored.file.key
      if (active?.key === key) return active
      const failed = entry.notes.get(number)
      if (failed?.state === 'UNAVAILABLE' && failed.key === key) return active
      await this.#makeRoom(stored)
      entry.notes.set(number, { state: 'LOADING', reason: '', key })
      const started = performance.now()
      const version = await ServedVersion.open(stored, this.#options)
      entry.notes.delete(number)
      const { rowsMax, reason } = version.batching
      log.info(
        {
          model: name,
          modelVersion: number,
          ms: Math.round(performance.now() - started),
          batchRows: rowsMax,
          batching: reason,
        },
        'model ready',
      )
      this.#options.onServed?.(version)
      return version
    } catch (error) {
      const reason = (error instanceof Error ? error.message : String(error)).slice(0, 500)
      const note = entry.notes.get(number)
      if (note?.state !== 'UNAVAILABLE' || note.key !== key)
        log.warn({ model: name, modelVersion: number, reason }, 'model not served')
      entry.notes.set(number, { state: 'UNAVAILABLE', reason, key })
      return active
    }
  }

  /** Throws where there is none. */
  async #makeRoom({ manifest }: StoredModel): Promise<void> {
    const { limits, pools } = this.#options
    const bytesOf = (versions: Iterable<ServedVersion>) =>
      [...versions].reduce((sum, version) => sum + version.manifest.bytes, 0) * pools.shared.size
    const wanted = manifest.bytes * pools.shared.size
    const used = bytesOf(this.versions())
    const excess = used + wanted - limits.modelBytesMax
    if (excess <= 0) return
    const others = [...this.#entries]
      .filter(([name, { active, changes }]) => name !== manifest.name && active.size > 0 && changes === 0)
      .map(([name, entry]) => ({ name, entry, bytes: bytesOf(entry.active.values()), usedAt: lastUse(entry) }))
    const possible = others.reduce((sum, { bytes }) => sum + bytes, 0)
    if (limits.modelsFull === 'refuse' || possible < excess)
      throw new Error(
        `with it the models would take ${used + wanted} bytes in ${pools.shared.size} workers, more than ${limits.modelBytesMax}; unload others`,
      )
    let freed = 0
    for (const { name, entry, bytes } of others.toSorted((a, b) => a.usedAt - b.usedAt)) {
      if (freed >= excess) return
      freed += bytes
      await this.#giveWay(name, entry, manifest.name)
    }
  }

  async #giveWay(name: string, entry: Entry, to: string): Promise<void> {
    this.#options.log.info({ model: name, for: to }, 'model unloaded to make room')
    entry.wanted = false
    for (const [number, { key }] of entry.active)
      entry.notes.set(number, { state: 'UNAVAILABLE', reason: `unloaded to make room for '${to}'; load it again`, key })
    await this.#activate(entry, new Map())
    this.#setShadow(entry)
  }

  async #activate(entry: Entry, next: ReadonlyMap<number, ServedVersion>): Promise<void> {
    const kept = new Set(next.values())
    const leaving = [...entry.active.values()].filter(version => !kept.has(version))
    entry.active = next
    for (const version of leaving) {
      const retiring = version.retire().finally(() => this.#retiring.delete(retiring))
      this.#retiring.add(retiring)
    }
  }
}

const lastUse = ({ active }: Entry) => Math.max(...[...active.values()].map(({ usedAt }) => usedAt))
