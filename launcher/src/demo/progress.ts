// How far the steps of a run are, on standard error: one block that is redrawn on a terminal, a line for each change
// elsewhere.

import type { RunEvent } from '@meshwork/contracts'

interface Line {
  status: string
  fraction: number
  rows: number | undefined
  seconds: number | undefined
  note: string
}

const barWidth = 20
const fractionStep = 0.25
const told = new Set<string>(['step.retrying', 'step.failed', 'step.limited', 'step.stuck'])

export class ProgressView {
  readonly #lines: Map<string, Line>
  readonly #redraw: boolean
  readonly #write: (text: string) => void
  #drawn = 0

  constructor(steps: readonly string[], out: { isTTY?: boolean; write(text: string): unknown }) {
    this.#lines = new Map(
      steps.map(name => [name, { status: 'pending', fraction: 0, rows: undefined, seconds: undefined, note: '' }]),
    )
    this.#redraw = out.isTTY === true
    this.#write = text => void out.write(text)
  }

  show(event: RunEvent): void {
    const line = event.step === null ? undefined : this.#lines.get(event.step)
    if (!line || event.step === null) {
      if (event.type === 'run.recovered') this.#say('the run was taken up again')
      return
    }
    const { data } = event
    const before = line.fraction
    line.status = event.type.slice('step.'.length)
    if (event.type === 'step.progress') {
      line.status = 'running'
      line.fraction = Number(data['fraction'] ?? line.fraction)
      line.note = textOf(data['message'])
    }
    if (event.type === 'step.called') Object.assign(line, { status: 'running', note: '' })
    if (typeof data['rows'] === 'number') line.rows = data['rows']
    if (typeof data['seconds'] === 'number') line.seconds = data['seconds']
    if (event.type === 'step.succeeded' || event.type === 'step.reused') Object.assign(line, { fraction: 1, note: '' })
    if (told.has(event.type)) line.note = textOf(data['detail'])
    if (this.#redraw) this.#draw()
    else if (
      event.type !== 'step.progress' ||
      Math.floor(line.fraction / fractionStep) > Math.floor(before / fractionStep)
    )
      this.#say(this.#text(event.step, line))
  }

  #say(text: string): void {
    this.#write(`${text}\n`)
    this.#drawn = 0
  }

  #draw(): void {
    const text = [...this.#lines].map(([name, line]) => `\u001b[2K${this.#text(name, line)}`).join('\n')
    this.#write(`${this.#drawn > 0 ? `\u001b[${this.#drawn}A` : ''}${text}\n`)
    this.#drawn = this.#lines.size
  }

  #text(name: string, line: Line): string {
    const full = Math.round(line.fraction * barWidth)
    const bar = '█'.repeat(full) + '░'.repeat(barWidth - full)
    const rows = line.rows === undefined ? '' : `${line.rows.toLocaleString('en')} rows`
    const seconds = line.seconds === undefined ? '' : `${line.seconds.toFixed(2)} s`
    return `  ${name.padEnd(12)} ${bar} ${line.status.padEnd(10)} ${rows.padStart(16)} ${seconds.padStart(9)}  ${line.note.slice(0, 60)}`.trimEnd()
  }
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')
