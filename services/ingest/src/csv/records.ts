// Splits a text into records and fields. For samples of a few hundred kilobytes: the whole file is DuckDB's work.

export interface Marks {
  readonly delimiter: string
  /** Empty for none. */
  readonly quote: string
  readonly escape: string
  /** Empty for none. */
  readonly comment: string
}

export interface SplitOptions {
  /** False when the text goes on: the last record is then left out, as it may be cut. */
  readonly whole: boolean
  readonly recordsMax?: number
}

/** Records in order; blank lines and comments are left out. */
export function splitRecords(text: string, marks: Marks, options: SplitOptions): string[][] {
  const { delimiter, quote, escape, comment } = marks
  const max = options.recordsMax ?? Number.POSITIVE_INFINITY
  const records: string[][] = []
  let fields: string[] = []
  let field = ''
  let started = false
  let quoted = false
  let ended = false
  let i = 0
  const endField = () => {
    fields.push(field)
    field = ''
    started = false
  }
  const endRecord = () => {
    endField()
    if (fields.length > 1 || fields[0] !== '') records.push(fields)
    fields = []
  }
  while (i < text.length && records.length < max) {
    const c = text[i] as string
    ended = false
    if (quoted) {
      if (c === escape && escape !== quote && i + 1 < text.length) {
        field += text[++i]
      } else if (c === quote) {
        if (escape === quote && text[i + 1] === quote) field += text[++i]
        else quoted = false
      } else field += c
      i++
    } else if (c === quote && quote !== '' && !started) {
      quoted = true
      started = true
      i++
    } else if (text.startsWith(delimiter, i)) {
      endField()
      i += delimiter.length
    } else if (c === '\n' || c === '\r') {
      endRecord()
      ended = true
      i += c === '\r' && text[i + 1] === '\n' ? 2 : 1
    } else if (c === comment && comment !== '' && fields.length === 0 && !started) {
      while (i < text.length && text[i] !== '\n' && text[i] !== '\r') i++
      while (text[i] === '\n' || text[i] === '\r') i++
    } else {
      field += c
      started = true
      i++
    }
  }
  if (options.whole && !ended && records.length < max) endRecord()
  return records
}
