// One kept connection to a server, for one request at a time: written and read by hand, so that little of the machine
// goes to whoever measures.

import { connect, type Socket } from 'node:net'

const headEnd = Buffer.from('\r\n\r\n')
const empty = Buffer.alloc(0)

export class Connection {
  readonly #socket: Socket
  #head: Buffer = empty
  /** Bytes of the body that are still to come; undefined while the head is read. */
  #left: number | undefined
  #status = 0
  #shown = ''
  #settle: { resolve: () => void; reject: (error: Error) => void } | undefined

  constructor(url: string) {
    const { hostname, port } = new URL(url)
    this.#socket = connect({ host: hostname, port: Number(port), noDelay: true })
    this.#socket.on('data', (chunk: Buffer) => this.#read(chunk))
    this.#socket.on('error', error => this.#end(error))
    this.#socket.on('close', () => this.#end(new Error(`the server at ${url} closed the connection`)))
  }

  /** Sends a whole request and resolves when the answer is there. Throws where it is not a 200. */
  async fire(bytes: Buffer): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#settle = { resolve, reject }
      this.#socket.write(bytes)
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #read(chunk: Buffer): void {
    let body = chunk
    if (this.#left === undefined) {
      const read = this.#head.length === 0 ? chunk : Buffer.concat([this.#head, chunk])
      const at = read.indexOf(headEnd)
      if (at < 0) {
        this.#head = read
        return
      }
      this.#head = empty
      const head = read.toString('latin1', 0, at)
      this.#status = Number(head.slice(9, 12))
      const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
      if (length === undefined) {
        this.#end(new Error(`an answer without its length: ${head}`))
        return
      }
      this.#left = Number(length)
      body = read.subarray(at + headEnd.length)
    }
    this.#left -= body.length
    if (this.#status !== 200) this.#shown = (this.#shown + body.toString()).slice(0, 300)
    if (this.#left > 0) return
    this.#left = undefined
    if (this.#status !== 200) this.#end(new Error(`${this.#status}: ${this.#shown}`))
    else this.#answered()
  }

  #answered(): void {
    const settle = this.#settle
    this.#settle = undefined
    settle?.resolve()
  }

  #end(error: Error): void {
    const settle = this.#settle
    this.#settle = undefined
    settle?.reject(error)
  }
}
