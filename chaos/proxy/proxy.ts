// A TCP proxy that does to connections what networks do: resets them, slices what they carry, stalls, refuses, and loses
// an answer whose request has done its work. Counts what it did, as evidence.

import { createServer, connect, type Server, type Socket } from 'node:net'

export interface Target {
  readonly host: string
  readonly port: number
}

interface Pair {
  readonly client: Socket
  readonly server: Socket
}

const sliceBytes = 7

export class FaultProxy {
  readonly #server: Server
  readonly #pairs = new Set<Pair>()
  /** Where connections lead; may change while it runs. */
  target: Target
  refusing = false
  slicing = false
  /** Answers with this text that are still to be lost. */
  losing = 0
  readonly #answerMark: string
  readonly done = { reset: 0, refused: 0, sliced: 0, stalled: 0, lost: 0 }

  constructor(target: Target, answerMark = '') {
    this.target = target
    this.#answerMark = answerMark
    this.#server = createServer(client => this.#accept(client))
  }

  async listen(): Promise<number> {
    await new Promise<void>(resolve => this.#server.listen(0, '127.0.0.1', resolve))
    return (this.#server.address() as { port: number }).port
  }

  reset(): void {
    this.done.reset += this.#pairs.size
    for (const { client, server } of this.#pairs) {
      reset(client)
      server.destroy()
    }
  }

  stall(on: boolean): void {
    if (on) this.done.stalled += this.#pairs.size
    for (const { client, server } of this.#pairs)
      for (const socket of [client, server])
        if (on) socket.pause()
        else socket.resume()
  }

  async close(): Promise<void> {
    this.reset()
    await new Promise(resolve => this.#server.close(resolve))
  }

  #accept(client: Socket): void {
    if (this.refusing) {
      this.done.refused++
      reset(client)
      return
    }
    const server = connect(this.target)
    const pair = { client, server }
    this.#pairs.add(pair)
    for (const socket of [client, server]) {
      socket.setNoDelay(true)
      socket.on('error', () => {})
      socket.on('close', () => {
        this.#pairs.delete(pair)
        client.destroy()
        server.destroy()
      })
    }
    client.on('data', chunk => this.#pass(chunk, client, server))
    server.on('data', chunk => {
      if (this.losing > 0 && chunk.includes(this.#answerMark)) {
        this.losing--
        this.done.lost++
        reset(client)
      } else this.#pass(chunk, server, client)
    })
  }

  #pass(chunk: Buffer, from: Socket, to: Socket): void {
    if (this.slicing) this.done.sliced++
    const size = this.slicing ? sliceBytes : chunk.length
    let room = true
    for (let at = 0; at < chunk.length; at += size) room = to.write(chunk.subarray(at, at + size))
    if (room || from.isPaused()) return
    from.pause()
    to.once('drain', () => from.resume())
  }
}

/** A socket that is closing already is not reset: libuv would refuse that, and Node would keep its handle for ever. */
function reset(socket: Socket): void {
  if (socket.writableEnded || socket.destroyed) socket.destroy()
  else socket.resetAndDestroy()
}
