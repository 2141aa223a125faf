// The effect ledger: a file outside the system to which a stage appends what it was called for and what it did. It is
// what the invariants are checked against. A line that its writer did not finish, because it was killed, does not count.

import { appendFileSync, existsSync, readFileSync } from 'node:fs'

export interface CallLine {
  readonly kind: 'call'
  readonly key: string
  readonly run: string
  /** Its name, with the place of the item where it has a list: `s3[1]`. */
  readonly step: string
  readonly attempt: number
  readonly at: number
}

export interface EffectLine extends Omit<CallLine, 'kind'> {
  readonly kind: 'effect'
  /** What the effect made. Nobody can know it before. */
  readonly token: string
  /** Tokens of the steps before, as they were sent. */
  readonly seen: readonly string[]
}

export type LedgerLine = CallLine | EffectLine

export class EffectLedger {
  readonly #path: string
  readonly #effects = new Map<string, EffectLine>()

  /** Opens it as a process that comes back after its death does. */
  constructor(path: string) {
    this.#path = path
    if (existsSync(path) && !readFileSync(path, 'utf8').endsWith('\n')) appendFileSync(path, '\n')
    for (const line of readLedger(path)) if (line.kind === 'effect') this.#effects.set(line.key, line)
  }

  /** What was done under this key. */
  done(key: string): EffectLine | undefined {
    return this.#effects.get(key)
  }

  append(line: LedgerLine): void {
    appendFileSync(this.#path, `${JSON.stringify(line)}\n`)
    if (line.kind === 'effect') this.#effects.set(line.key, line)
  }

  /** Half an effect, as a process leaves it that dies while it writes. */
  tear(line: LedgerLine): void {
    const text = JSON.stringify(line)
    appendFileSync(this.#path, text.slice(0, text.length >> 1))
  }
}

export function readLedger(path: string): LedgerLine[] {
  if (!existsSync(path)) return []
  return readFileSync(path, 'utf8')
    .split('\n')
    .flatMap(text => {
      try {
        return text === '' ? [] : [JSON.parse(text) as LedgerLine]
      } catch {
        return []
      }
    })
}
