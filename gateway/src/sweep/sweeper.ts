// Sweeps the store once in a while, and when it is asked to. Of several gateways one does: they leave word in the store.

import type { SweepView } from '@meshwork/contracts'
import type { ArtefactStore } from '@meshwork/kit'
import type { Logger } from 'pino'
import type { ReadPage } from './referred.ts'
import { sweep } from './sweep.ts'

export interface SweeperOptions {
  readonly store: ArtefactStore
  readonly readPage: ReadPage
  /** Seconds for which what nothing refers to is kept; nothing is removed where it is 0. */
  readonly keepSeconds: number
  readonly log: Logger
  readonly removed: (of: SweepView) => void
}

const everyMs = 3_600_000
const lookMs = 300_000
const space = 'upkeep'
const name = 'sweep'

export class Sweeper {
  readonly keepSeconds: number
  readonly #options: SweeperOptions
  readonly #ends = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #running: Promise<SweepView> | undefined

  constructor(options: SweeperOptions) {
    this.#options = options
    this.keepSeconds = options.keepSeconds
  }

  start(): void {
    if (this.keepSeconds > 0) this.#timer = setInterval(() => void this.#look(), lookMs).unref()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#ends.abort()
    await this.#running?.catch(() => {})
  }

  /** What would be removed now. */
  async preview(): Promise<SweepView> {
    return await this.#sweep(true)
  }

  /** Who asks while it is swept waits for the same. */
  async sweep(): Promise<SweepView> {
    this.#running ??= this.#sweep(false).finally(() => {
      this.#running = undefined
    })
    return await this.#running
  }

  async #sweep(dryRun: boolean): Promise<SweepView> {
    const { store, readPage, keepSeconds, log, removed } = this.#options
    if (keepSeconds === 0) return { dryRun, keepSeconds: null, artefacts: 0, bytes: 0, records: 0 }
    const done = await sweep({ store, readPage, keepSeconds, dryRun, signal: this.#ends.signal })
    if (dryRun) return done
    removed(done)
    log.info(done, 'swept the artefact store')
    return done
  }

  async #look(): Promise<void> {
    const { store, log } = this.#options
    try {
      const last = (await store.records.read(space, name)) as { at: number } | undefined
      if (this.#running || (last && Date.now() - last.at < everyMs)) return
      await store.records.replace(space, name, { at: Date.now() })
      await this.sweep()
    } catch (error) {
      log.warn({ err: error }, 'could not sweep the artefact store')
    }
  }
}
