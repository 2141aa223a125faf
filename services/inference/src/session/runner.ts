// What holds sessions and runs them, as the pool sees it: a thread of this process, or a process of its own.

import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { Reply, Request } from './messages.ts'

export interface Runner {
  /** Whether buffers are moved to it; else they are copied, and a message can be sent again. */
  readonly moves: boolean
  post(request: Request, transfer: readonly ArrayBuffer[]): void
  /** Whether it keeps this process alive. */
  ref(): void
  unref(): void
  /** Ends it at once, in whatever it does; not a thread, which would take the process along. */
  readonly kill: (() => void) | undefined
}
export interface RunnerEvents {
  readonly reply: (reply: Reply) => void
  /** Told once, with the reason. */
  readonly ended: (reason: string) => void
}
export type StartRunner = (events: RunnerEvents) => Runner

const main = new URL('./worker.ts', import.meta.url)

export const startThread: StartRunner = ({ reply, ended }) => {
  const worker = new Worker(main)
  let reason = 'it exited'
  worker.on('message', reply)
  worker.on('error', (error: unknown) => {
    reason = error instanceof Error ? error.message : String(error)
  })
  worker.on('exit', () => ended(reason))
  return {
    moves: true,
    post: (request, transfer) => worker.postMessage(request, transfer),
    ref: () => worker.ref(),
    unref: () => worker.unref(),
    kill: undefined,
  }
}

/** Its messages are copied; a crash of the native library, or a run that never ends, is its own. */
export const startProcess: StartRunner = ({ reply, ended }) => {
  const child = fork(fileURLToPath(main), { serialization: 'advanced', stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  let reason = 'its process could not be started'
  child.on('message', message => reply(message as Reply))
  child.on('error', error => {
    reason = error.message
    if (child.pid === undefined) ended(reason)
  })
  child.on('exit', (code, signal) => {
    ended(signal === null ? `its process ended with code ${code}` : `its process was ended by ${signal}`)
  })
  return {
    moves: false,
    post: request => {
      // A process that is gone says so by its exit.
      if (child.connected) child.send(request, () => {})
    },
    ref: () => {
      child.ref()
      child.channel?.ref()
    },
    unref: () => {
      child.unref()
      child.channel?.unref()
    },
    kill: () => child.kill('SIGKILL'),
  }
}
