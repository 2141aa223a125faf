// Reads a stream of server-sent events. Pure but for the chunks it is given; bounded in what it keeps.

export interface StageEvent {
  readonly event: string
  readonly data: string
}

export class AnswerTooLarge extends Error {
  override readonly name = 'AnswerTooLarge'
}

export class EventReader {
  readonly #limitBytes: number
  #rest = ''
  #event = 'message'
  #data: string[] = []
  #size = 0
  /** The text ended between the two characters of a line end. */
  #halfLineEnd = false

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
  }

  /** The events that are complete with this text. Throws AnswerTooLarge past the limit. */
  read(text: string): StageEvent[] {
    if (text === '') return []
    const rest = this.#halfLineEnd && text.startsWith('\n') ? text.slice(1) : text
    this.#halfLineEnd = text.endsWith('\r')
    const lines = (this.#rest + rest).split(/\r\n|\n|\r/)
    this.#rest = lines.pop() ?? ''
    const events: StageEvent[] = []
    for (const line of lines) {
      if (line === '') {
        if (this.#data.length > 0) events.push({ event: this.#event, data: this.#data.join('\n') })
        this.#event = 'message'
        this.#data = []
        this.#size = 0
        continue
      }
      const [, field = '', value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? []
      if (field === 'event') this.#event = value
      else if (field === 'data') {
        this.#data.push(value)
        this.#size += value.length + 1
      }
    }
    if (this.#size + this.#rest.length > this.#limitBytes)
      throw new AnswerTooLarge(`an event of more than ${this.#limitBytes} bytes`)
    return events
  }
}
