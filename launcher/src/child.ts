// One service as a process of its own: started, watched, started again when it dies, ended.

import { type ChildProcess, fork } from 'node:child_process'
import { createInterface } from 'node:readline'

export interface ChildOptions {
  readonly name: string
  /** File to run. */
  readonly file: string
  readonly env: Readonly<Record<string, string>>
  readonly onLine: (name: string, line: string) => void
  readonly onRestart?: (name: string, how: string, delayMs: number) => void
}

const backoffFirstMs = 250
const backoffLastMs = 10_000
/** A service that lived this long starts again without delay added up. */
const settledMs = 30_000
const lastLinesMax = 20
/** A service that dies this often without ever having listened will not come up. */
const earlyDeathsMax = 3

export class Child {
  readonly name: string
  readonly #options: ChildOptions
  readonly #lastLines: string[] = []
  #process: ChildProcess | undefined
  #address: string | undefined
  #backoffMs = backoffFirstMs
  #startedAt = 0
  #restart: NodeJS.Timeout | undefined
  #ending = false
  #earlyDeaths = 0
  #listening = Promise.withResolvers<string>()

  constructor(options: ChildOptions) {
    this.name = options.name
    this.#options = options
    this.#listening.promise.catch(() => {}) // told to whoever waits
  }

  get pid(): number | undefined {
    return this.#process?.pid
  }

  /** Where it listens, since it did so last; undefined before. */
  get address(): string | undefined {
    return this.#address
  }

  /** The last lines it wrote, for those who wonder why it did not start. */
  get lastLines(): readonly string[] {
    return this.#lastLines
  }

  start(): void {
    const { file, env } = this.#options
    this.#startedAt = performance.now()
    const child = fork(file, [], {
      execArgv: [],
      detached: true, // Ctrl-C is for us: services end in our order, and by themselves when we are gone
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...basicEnvironment(), ...env },
    })
    this.#process = child
    for (const stream of [child.stdout, child.stderr])
      if (stream) createInterface(stream).on('line', line => this.#line(line))
    child.on('message', (message: { type?: string; url?: string }) => {
      if (message.type !== 'listening' || !message.url) return
      this.#earlyDeaths = 0
      this.#address = message.url
      this.#listening.resolve(message.url)
    })
    child.on('exit', (code, signal) => this.#exited(signal ?? `exit code ${code}`))
    child.on('error', error => this.#line(error.message))
  }

  /** Resolves with its address once it listens. Rejects after `timeoutMs` with the last lines it wrote. */
  async listening(timeoutMs: number): Promise<string> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(this.#notUp(`within ${timeoutMs / 1000} s`)), timeoutMs)
    })
    return await Promise.race([this.#listening.promise, late]).finally(() => clearTimeout(timer))
  }

  /** Says that its end is wanted: it is not started again. */
  expectEnd(): void {
    this.#ending = true
    clearTimeout(this.#restart)
    this.#listening.reject(new Error(`${this.name} was ended before it listened`))
  }

  /** Asks it to drain and end; kills it after `graceMs`. Resolves when it is gone. */
  async end(graceMs: number): Promise<void> {
    this.expectEnd()
    const child = this.#process
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    await new Promise<void>(resolve => {
      const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
      child.once('exit', () => {
        clearTimeout(timer)
        resolve()
      })
      child.kill('SIGTERM')
    })
  }

  kill(): void {
    this.#process?.kill('SIGKILL')
  }

  #notUp(when: string): Error {
    const lines = this.#lastLines.map(line => `    ${line}`).join('\n')
    return new Error(`${this.name} did not come up ${when}; its last lines:\n${lines || '    (none)'}`)
  }

  #line(line: string): void {
    this.#lastLines.push(line)
    if (this.#lastLines.length > lastLinesMax) this.#lastLines.shift()
    this.#options.onLine(this.name, line)
  }

  #exited(how: string): void {
    if (this.#ending) return
    if (performance.now() - this.#startedAt > settledMs) this.#backoffMs = backoffFirstMs
    const delayMs = this.#backoffMs
    this.#backoffMs = Math.min(backoffLastMs, delayMs * 2)
    if (++this.#earlyDeaths >= earlyDeathsMax) this.#listening.reject(this.#notUp(`in ${earlyDeathsMax} tries`))
    this.#options.onRestart?.(this.name, how, delayMs)
    this.#restart = setTimeout(() => this.start(), delayMs)
  }
}

/** The environment of a service is what it is given; of ours only what every process needs. */
function basicEnvironment(): Record<string, string> {
  const kept = Object.entries(process.env).filter(([key]) => !key.startsWith('MESHWORK_') && !key.startsWith('npm_'))
  return Object.fromEntries(kept) as Record<string, string>
}
