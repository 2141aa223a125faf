// Where records stand in a text file: number, byte offset and text of the few that are asked for. One pass in
// constant memory, with the same rules as the reader: quotes, comments, blank lines.

import { createReadStream } from 'node:fs'

export interface LocateOptions {
  /** Bytes of one character each; undefined for none. */
  readonly quote: string
  readonly escape: string
  readonly delimiter: string
  readonly comment: string
  /** Whether the first record only names the columns. */
  readonly header: boolean
  /** Whether a blank line is a row (in a file of one column) or nothing. */
  readonly blankIsRow: boolean
  /** Numbers of the records that the reader refused, in order. */
  readonly refused: readonly number[]
  /** Places (from 0, in order) among the rows that the reader gave. */
  readonly rows: readonly number[]
  readonly signal: AbortSignal
}

export interface Place {
  /** From 1; the header and blank lines count. */
  readonly record: number
  readonly offset: number
  /** Place among the rows, or undefined for a refused record. */
  readonly row: number | undefined
  readonly text: string
}

const textBytesMax = 64 * 1024
const lineFeed = 10
const carriageReturn = 13

/** Yields the places in the order of the file; ends when all are found. */
export async function* locate(path: string, options: LocateOptions): AsyncGenerator<Place> {
  const isRefused = cursor(options.refused)
  const isWanted = cursor(options.rows)
  const scanner = new RecordScanner(options)
  let row = 0
  let seenHeader = !options.header
  const place = (span: RecordSpan): Place | undefined => {
    const found = (at: number | undefined): Place => ({
      record: span.record,
      offset: span.offset,
      row: at,
      text: span.text(),
    })
    if (isRefused(span.record)) return found(undefined)
    if (span.comment || (span.blank && !options.blankIsRow)) return undefined
    if (!seenHeader) {
      seenHeader = true
      return undefined
    }
    const at = row++
    return isWanted(at) ? found(at) : undefined
  }
  const stream = createReadStream(path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>
  for await (const chunk of stream) {
    options.signal.throwIfAborted()
    for (const span of scanner.push(chunk)) {
      const found = place(span)
      if (found) yield found
      if (isRefused.done() && isWanted.done()) return
    }
  }
  for (const span of scanner.end()) {
    const found = place(span)
    if (found) yield found
  }
}

/** How many rows the file has by these rules. Reads all of it. */
export async function countRows(path: string, options: Omit<LocateOptions, 'rows'>): Promise<number> {
  let rows = 0
  const isRefused = cursor(options.refused)
  const scanner = new RecordScanner(options)
  const count = (span: RecordSpan) => {
    if (!isRefused(span.record) && !span.comment && (!span.blank || options.blankIsRow)) rows++
  }
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>) {
    options.signal.throwIfAborted()
    for (const span of scanner.push(chunk)) count(span)
  }
  for (const span of scanner.end()) count(span)
  return rows - (options.header ? 1 : 0)
}

/** Answers whether a number is the next of a sorted list; asked with rising numbers. */
function cursor(numbers: readonly number[]) {
  let i = 0
  const next = (number: number): boolean => {
    while ((numbers[i] ?? Number.POSITIVE_INFINITY) < number) i++
    if (numbers[i] !== number) return false
    i++
    return true
  }
  return Object.assign(next, { done: () => i >= numbers.length })
}

interface RecordSpan {
  readonly record: number
  readonly offset: number
  readonly blank: boolean
  readonly comment: boolean
  /** The first bytes of the record; valid until the next record. */
  readonly text: () => string
}

const codeOf = (mark: string): number => (mark === '' ? -1 : mark.charCodeAt(mark.length - 1))

class RecordScanner {
  readonly #quote: number
  readonly #escape: number
  readonly #delimiter: number
  readonly #comment: number
  #record = 1
  #offset = 0
  #length = 0
  #kept: Buffer[] = []
  #keptBytes = 0
  #first = -1
  #base = 0
  #quoted = false
  #closed = false
  #fieldStart = true
  #skip = false
  #afterReturn = false

  constructor(marks: Pick<LocateOptions, 'quote' | 'escape' | 'delimiter' | 'comment'>) {
    this.#quote = codeOf(marks.quote)
    this.#escape = codeOf(marks.escape)
    this.#delimiter = codeOf(marks.delimiter)
    this.#comment = codeOf(marks.comment)
  }

  *push(chunk: Buffer): Generator<RecordSpan> {
    let from = 0
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i] as number
      if (this.#afterReturn) {
        this.#afterReturn = false
        if (byte === lineFeed) {
          from = i + 1
          this.#offset = this.#base + from
          continue
        }
      }
      if (this.#first === -1) this.#first = byte
      if (this.#endsRecord(byte)) {
        if (this.#length === 0 && i === from) this.#first = -1
        this.#keep(chunk, from, i)
        yield this.#span()
        from = i + 1
        this.#begin(this.#base + from)
        this.#afterReturn = byte === carriageReturn
      }
    }
    this.#keep(chunk, from, chunk.length)
    this.#base += chunk.length
  }

  *end(): Generator<RecordSpan> {
    if (this.#length > 0) yield this.#span()
  }

  #endsRecord(byte: number): boolean {
    if (this.#first === this.#comment) return byte === lineFeed || byte === carriageReturn
    const reopens = this.#closed
    this.#closed = false
    if (this.#skip) this.#skip = false
    else if (this.#quoted) {
      if (byte === this.#escape && this.#escape !== this.#quote) this.#skip = true
      else if (byte === this.#quote) {
        this.#quoted = false
        this.#closed = true
      }
    } else if (byte === this.#quote && (this.#fieldStart || reopens)) {
      this.#quoted = true
      this.#fieldStart = false
    } else if (byte === lineFeed || byte === carriageReturn) return true
    else this.#fieldStart = byte === this.#delimiter
    return false
  }

  #span(): RecordSpan {
    return {
      record: this.#record,
      offset: this.#offset,
      blank: this.#length === 0,
      comment: this.#first !== -1 && this.#first === this.#comment,
      text: () =>
        Buffer.concat(this.#kept)
          .toString('utf8')
          .replace(/^\uFEFF/, ''),
    }
  }

  #keep(chunk: Buffer, from: number, to: number): void {
    this.#length += to - from
    if (this.#keptBytes >= textBytesMax || to <= from) return
    const piece = chunk.subarray(from, Math.min(to, from + textBytesMax - this.#keptBytes))
    this.#kept.push(piece)
    this.#keptBytes += piece.length
  }

  #begin(offset: number): void {
    this.#record++
    this.#offset = offset
    this.#length = 0
    this.#kept = []
    this.#keptBytes = 0
    this.#first = -1
    this.#fieldStart = true
  }
}
