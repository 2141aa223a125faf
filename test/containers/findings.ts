// What was looked at, what was seen, and whether that keeps the promise.

export class Findings {
  readonly #rows: { promise: string; seen: string; ok: boolean }[] = []

  add(promise: string, seen: string, ok: boolean): void {
    this.#rows.push({ promise, seen, ok })
    process.stderr.write(`  ${ok ? 'ok  ' : 'FAIL'}  ${promise}: ${seen}\n`)
  }

  /** Nothing wrong found in any of `count` places, or what and where. */
  none(promise: string, count: number, faults: readonly string[]): void {
    this.add(promise, faults.length === 0 ? `all ${count}` : faults.join('; '), faults.length === 0 && count > 0)
  }

  get ok(): boolean {
    return this.#rows.length > 0 && this.#rows.every(({ ok }) => ok)
  }

  table(): string {
    const width = Math.max(...this.#rows.map(({ promise }) => promise.length))
    return this.#rows
      .map(({ promise, seen, ok }) => `  ${ok ? 'ok  ' : 'FAIL'}  ${promise.padEnd(width)}  ${seen}`)
      .join('\n')
  }
}

export const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`
