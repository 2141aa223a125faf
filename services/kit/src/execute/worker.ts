// One worker process as its parent sees it. It does one piece of work at a time and can be killed at any moment.

import { type ChildProcess, fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { MeshError, ProblemError } from '@meshwork/contracts'
import type { Work, WorkHooks } from './work.ts'
import type { FromWorker, ToWorker, WorkerSetup } from './worker-messages.ts'

export interface WorkerOptions {
  readonly stage: string
  readonly setup: WorkerSetup
  /** Resident memory over which the work is stopped. */
  readonly memoryBytes: number
}

const pageBytes = 4096
const memoryLookMs = 100
const abortGraceMs = 2000
const startTimeoutMs = 60_000
const threadPoolExtra = 8

export class Worker {
  readonly #options: WorkerOptions
  readonly #child: ChildProcess
  readonly #exited: Promise<string>
  readonly ready: Promise<void>
  #alive = true
  #killedFor: ProblemError | undefined
  works = 0

  constructor(options: WorkerOptions) {
    this.#options = options
    this.#child = fork(fileURLToPath(new URL('./worker-main.ts', import.meta.url)), [], {
      execArgv: [],
      serialization: 'advanced',
      env: {
        ...process.env,
        UV_THREADPOOL_SIZE: String(options.setup.resources.cpus + threadPoolExtra),
        ORT_DISABLE_TELEMETRY: '1',
      },
    })
    this.#exited = new Promise(resolve => {
      this.#child.once('exit', (code, signal) => {
        this.#alive = false
        resolve(signal === null ? `exit code ${code}` : `signal ${signal}`)
      })
      this.#child.once('error', error => resolve(error.message))
    })
    this.ready = this.#untilReady()
    this.ready.catch(() => {})
    this.#tell({ type: 'setup', setup: options.setup })
  }

  get alive(): boolean {
    return this.#alive
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Resident memory in bytes, or 0 where the system does not tell. */
  memoryBytes(): number {
    try {
      return Number(readFileSync(`/proc/${this.#child.pid}/statm`, 'utf8').split(' ')[1]) * pageBytes
    } catch {
      return 0
    }
  }

  async run(work: Work, hooks: WorkHooks): Promise<unknown> {
    await this.ready
    hooks.signal.throwIfAborted()
    this.works++
    let grace: NodeJS.Timeout | undefined
    const abort = () => {
      const reason = hooks.signal.reason as unknown
      const problem = reason instanceof ProblemError ? reason : new MeshError('MESHWORK_STAGE_CANCELLED')
      this.#tell({ type: 'abort', reason: problem.toProblem() })
      grace = setTimeout(() => this.#kill(problem), abortGraceMs)
    }
    const look = setInterval(() => this.#lookAtMemory(), memoryLookMs)
    hooks.signal.addEventListener('abort', abort, { once: true })
    try {
      this.#tell({ type: 'work', work })
      return await this.#answer(hooks)
    } finally {
      clearInterval(look)
      clearTimeout(grace)
      hooks.signal.removeEventListener('abort', abort)
    }
  }

  /** Ends the process; resolves when it is gone. */
  async end(): Promise<void> {
    if (!this.#alive) return
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), abortGraceMs)
    if (this.#child.connected) this.#child.disconnect()
    await this.#exited
    clearTimeout(timer)
  }

  async exit(): Promise<string> {
    return await this.#exited
  }

  #answer(hooks: WorkHooks): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        this.#child.off('message', listen)
        act()
      }
      const listen = (message: FromWorker) => {
        if (message.type === 'progress') hooks.onProgress(message.progress)
        else if (message.type === 'output') settle(() => resolve(message.output))
        else if (message.type === 'problem') settle(() => reject(problemOf(message)))
        else if (message.type === 'failure') settle(() => reject(failureOf(message)))
      }
      this.#child.on('message', listen)
      void this.#exited.then(how => settle(() => reject(this.#killedFor ?? this.#crashed(how))))
    })
  }

  #untilReady(): Promise<void> {
    return new Promise((resolve, reject) => {
      const how = `no sign of life in ${startTimeoutMs} ms`
      const timer = setTimeout(() => this.#kill(this.#crashed(how)), startTimeoutMs)
      this.#child.once('message', (message: FromWorker) => {
        clearTimeout(timer)
        if (message.type === 'ready') resolve()
        else if (message.type === 'problem') reject(problemOf(message))
        else if (message.type === 'failure') reject(failureOf(message))
      })
      void this.#exited.then(end => {
        clearTimeout(timer)
        reject(this.#killedFor ?? this.#crashed(end))
      })
    })
  }

  #lookAtMemory(): void {
    const used = this.memoryBytes()
    if (used <= this.#options.memoryBytes) return
    this.#kill(new MeshError('MESHWORK_STAGE_MEMORY', { usedBytes: used, limitBytes: this.#options.memoryBytes }))
  }

  #kill(reason: ProblemError): void {
    this.#killedFor ??= reason
    this.#child.kill('SIGKILL')
  }

  #crashed(how: string): MeshError {
    return new MeshError('MESHWORK_STAGE_CRASHED', { stage: this.#options.stage, how })
  }

  #tell(message: ToWorker): void {
    if (this.#child.connected) this.#child.send(message, () => {})
  }
}

const problemOf = (message: FromWorker & { type: 'problem' }): ProblemError =>
  ProblemError.fromProblem(
    message.problem,
    message.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: message.retryAfterSeconds },
  )

function failureOf(message: FromWorker & { type: 'failure' }): Error {
  const error = new Error(message.message)
  error.stack = message.stack
  return error
}
