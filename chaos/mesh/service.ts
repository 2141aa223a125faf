// A service as a real process that is killed, frozen and started again.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { ClockMessage } from '../plant/clock.ts'

export interface Incarnation {
  /** Source patches for this process: bugs and crash points. Without any list its clock cannot be moved either. */
  readonly plants?: readonly string[]
  /** Which hit of a crash point is the last. */
  readonly crashHit?: number
}

const startTimeoutMs = 60_000
const preload = new URL('../plant/preload.ts', import.meta.url).href

export class Service {
  readonly name: string
  readonly #file: URL
  readonly #env: Readonly<Record<string, string>>
  readonly #onLine: (line: string) => void
  #child: ChildProcess | undefined
  #exited: Promise<string> = Promise.resolve('never started')
  /** Where it listens; undefined while it does not. */
  url: string | undefined
  frozen = false

  constructor(name: string, file: URL, env: Readonly<Record<string, string>>, onLine: (line: string) => void) {
    this.name = name
    this.#file = file
    this.#env = env
    this.#onLine = onLine
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  async start({ plants, crashHit = 1 }: Incarnation = {}): Promise<void> {
    const child = fork(fileURLToPath(this.#file), [], {
      execArgv: plants ? ['--import', preload] : [],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: {
        ...process.env,
        MESHWORK_PORT: '0',
        MESHWORK_LOG_LEVEL: 'silent',
        ...this.#env,
        ...(plants && { CHAOS_PLANTS: plants.join(','), CHAOS_CRASH_HIT: String(crashHit) }),
      },
    })
    child.stderr?.on('data', (text: Buffer) => this.#onLine(String(text)))
    this.#child = child
    this.#exited = once(child, 'exit').then(([code, signal]) => {
      if (this.#child === child) this.url = undefined
      return String(signal ?? `code ${code}`)
    })
    const timeout = AbortSignal.timeout(startTimeoutMs)
    const listening = once(child, 'message', { signal: timeout }).then(([message]) => (message as { url: string }).url)
    // One that dies at a crash point while it starts has done what it was asked.
    const url = await Promise.race([listening, this.#exited.then(() => undefined)])
    listening.catch(() => {})
    if (this.#child === child && child.exitCode === null && child.signalCode === null) this.url = url
  }

  /** Resolves with how it ended. */
  async kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<string> {
    if (this.frozen) this.thaw()
    this.#child?.kill(signal)
    return await this.#exited
  }

  /** How it ended, where it does so within the time. */
  async ended(timeoutMs: number): Promise<string | undefined> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<undefined>(resolve => {
      timer = setTimeout(() => resolve(undefined), timeoutMs)
    })
    return await Promise.race([this.#exited, late]).finally(() => clearTimeout(timer))
  }

  /** Moves its wall clock so far from the real one. */
  setClock(clockMs: number): void {
    this.#child?.send({ clockMs } satisfies ClockMessage)
  }

  freeze(): void {
    this.frozen = true
    this.#child?.kill('SIGSTOP')
  }

  thaw(): void {
    this.frozen = false
    this.#child?.kill('SIGCONT')
  }
}
