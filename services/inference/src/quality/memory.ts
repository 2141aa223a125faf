// What models said to requests that have an id, until a label comes for it: of all models together so many bytes, the
// oldest are forgotten first.

import type { OipTensor } from '../oip/tensor.ts'

interface Remembered {
  readonly rows: number
  /** rows × width numbers. */
  readonly prediction: Float64Array
  /** Whether a row has its label. */
  readonly labelled: Uint8Array
  readonly bytes: number
}

/** Of the entry and its id, beside its numbers. */
const entryBytes = 200
const idLengthMax = 200

export class Predictions {
  readonly #bytesMax: number
  readonly #entries = new Map<string, Remembered>()
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get bytes(): number {
    return this.#bytes
  }

  /** `owner`: the version that said it. The same id again is another request: what was said last counts. */
  remember(owner: string, id: string, { data, shape }: OipTensor, width: number): void {
    if (this.#bytesMax === 0 || id.length === 0 || id.length > idLengthMax) return
    const rows = shape[0] ?? 1
    const bytes = entryBytes + 2 * id.length + rows + 8 * data.length
    if (rows === 0 || data.length !== rows * width || bytes > this.#bytesMax) return
    const key = keyOf(owner, id)
    this.#forget(key)
    const prediction = Float64Array.from(data as ArrayLike<number>)
    this.#entries.set(key, { rows, prediction, labelled: new Uint8Array(rows), bytes })
    this.#bytes += bytes
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#bytesMax) break
      this.#forget(oldest)
    }
  }

  find(owner: string, id: string): Remembered | undefined {
    return this.#entries.get(keyOf(owner, id))
  }

  #forget(key: string): void {
    this.#bytes -= this.#entries.get(key)?.bytes ?? 0
    this.#entries.delete(key)
  }
}

const keyOf = (owner: string, id: string): string => `${owner} ${id}`
