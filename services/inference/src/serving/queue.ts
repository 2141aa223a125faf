// Calls that wait for a model. Pure.
//
//  Q1 The oldest of the most urgent call is always in the next batch: nothing starves within a priority.
//  Q2 A batch has calls of one group only (same outputs, same shapes behind the first dimension), in their order.
//  Q3 Rows of a batch stay within `rowsMax`, unless its only call has more.

export interface Waiting {
  /** Calls that may be merged share it; undefined for one that must run alone. */
  readonly group: string | undefined
  readonly rows: number
  readonly bytes: number
  /** The smallest is served first. */
  readonly priority: number
}

export class CallQueue<T extends Waiting> {
  readonly #items: T[] = []
  #rows = 0
  #bytes = 0

  get length(): number {
    return this.#items.length
  }
  get rows(): number {
    return this.#rows
  }
  get bytes(): number {
    return this.#bytes
  }

  add(item: T): void {
    let at = this.#items.length
    while (at > 0 && (this.#items[at - 1] as T).priority > item.priority) at--
    this.#items.splice(at, 0, item)
    this.#rows += item.rows
    this.#bytes += item.bytes
  }

  /** Whether it was there. */
  remove(item: T): boolean {
    const at = this.#items.indexOf(item)
    if (at < 0) return false
    this.#items.splice(at, 1)
    this.#forget(item)
    return true
  }

  /** The next batch; empty when nothing waits. */
  take(rowsMax: number): T[] {
    const first = this.#items.shift()
    if (first === undefined) return []
    const batch = [first]
    let rows = first.rows
    if (first.group !== undefined && rows < rowsMax) {
      let kept = 0
      let full = false
      for (const item of this.#items) {
        const fits: boolean = !full && item.group === first.group && item.priority === first.priority
        if (fits && rows + item.rows <= rowsMax) {
          batch.push(item)
          rows += item.rows
        } else {
          full ||= fits // later ones must not overtake it
          this.#items[kept++] = item
        }
      }
      this.#items.length = kept
    }
    for (const item of batch) this.#forget(item)
    return batch
  }

  #forget({ rows, bytes }: T): void {
    this.#rows -= rows
    this.#bytes -= bytes
  }
}
