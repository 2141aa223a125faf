// Which pool runs a model: the threads that all share, or processes of its own where its manifest asks for them.

import type { ModelFile } from './messages.ts'
import { SessionPool } from './pool.ts'
import { startProcess } from './runner.ts'

export class SessionPools {
  /** Threads. */
  readonly shared: SessionPool
  readonly #own = new Map<string, SessionPool>()
  readonly #ended: (file: ModelFile, reason: 'hung' | 'died') => void
  /** Pools of models that were unloaded, until their processes have ended. */
  readonly #ending = new Set<Promise<void>>()
  #closed = false

  /** `ended` is told of every process of a model that had to be ended, or ended by itself. */
  constructor(threads: number, ended: (file: ModelFile, reason: 'hung' | 'died') => void = () => {}) {
    this.shared = new SessionPool(threads)
    this.#ended = ended
  }

  of(file: ModelFile): SessionPool {
    const { process } = file
    if (process === undefined) return this.shared
    let pool = this.#own.get(file.key)
    if (pool === undefined) {
      const ended = (reason: 'hung' | 'died') => this.#ended(file, reason)
      pool = new SessionPool(process.count, { start: startProcess, file, runMsMax: process.runMsMax, ended })
      if (this.#closed) this.#end(pool)
      else this.#own.set(file.key, pool)
    }
    return pool
  }

  /** Gives the memory of a model back; its processes end when they have answered. */
  unload(file: ModelFile): void {
    const own = this.#own.get(file.key)
    if (own === undefined) {
      if (file.process === undefined) this.shared.unload(file.key)
      return
    }
    this.#own.delete(file.key)
    this.#end(own)
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const pool of this.#own.values()) this.#end(pool)
    this.#own.clear()
    await Promise.all([this.shared.close(), ...this.#ending])
  }

  #end(pool: SessionPool): void {
    const ended = pool.close()
    this.#ending.add(ended)
    void ended.then(() => this.#ending.delete(ended))
  }
}
