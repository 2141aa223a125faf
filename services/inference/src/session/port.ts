// The other end of a runner: how the code that runs sessions hears and answers, in a thread or in a process of its own.

import { parentPort } from 'node:worker_threads'
import type { Reply, Request } from './messages.ts'

export interface Port {
  listen(listener: (request: Request) => void): void
  post(reply: Reply, transfer: readonly ArrayBuffer[]): void
  /** Nothing is heard or said any more. */
  close(): void
}

function openPort(): Port {
  const thread = parentPort
  if (thread !== null)
    return {
      listen: listener => void thread.on('message', listener),
      post: (reply, transfer) => thread.postMessage(reply, transfer),
      close: () => thread.close(),
    }
  if (process.send === undefined) throw new Error('this runs as a worker thread, or as a process with a channel')
  // Whoever started it says when it ends: a signal to the whole group must not cut off what is drained.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => {})
  process.on('disconnect', () => process.exit(0))
  return {
    listen: listener => void process.on('message', request => listener(request as Request)),
    post: reply => void process.send?.(reply),
    close: () => process.disconnect(),
  }
}

export const port = openPort()
