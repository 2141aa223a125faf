// Finds how a CSV file is written: the delimiter under which its first records agree best on the number of fields.

import { type CsvDialect, MeshError } from '@meshwork/contracts'
import { type Marks, splitRecords } from './records.ts'

export interface Dialect extends Marks {
  readonly decimalSeparator: '.' | ','
  readonly dateFormat: string | undefined
  readonly timestampFormat: string | undefined
  readonly nullStrings: readonly string[]
}

const delimiters = [',', ';', '\t', '|']
const quotes = ['"', "'"]
const textMax = 64 * 1024
const recordsMax = 500

/** `whole`: the text is all of the file. What is declared is taken as it is. */
export function findDialect(text: string, whole: boolean, declared: CsvDialect = {}): Dialect {
  const sample = text.slice(0, textMax)
  const complete = whole && sample.length === text.length
  const candidates = (declared.delimiter === undefined ? delimiters : [declared.delimiter]).flatMap(delimiter =>
    (declared.quote === undefined ? usedQuotes(sample) : [declared.quote]).map(quote => {
      const escape = declared.escape ?? (quote !== '' && sample.includes(`\\${quote}`) ? '\\' : quote)
      return { delimiter, quote, escape, comment: declared.comment ?? '' }
    }),
  )
  const [first, ...others] = candidates.map(marks => ({
    marks,
    score: agreement(splitRecords(sample, marks, { whole: complete, recordsMax })),
  }))
  let best = first as NonNullable<typeof first>
  for (const other of others) if (other.score > best.score) best = other
  return {
    ...best.marks,
    decimalSeparator: declared.decimalSeparator ?? '.',
    dateFormat: declared.dateFormat,
    timestampFormat: declared.timestampFormat,
    nullStrings: declared.nullStrings ?? [''],
  }
}

/** Double quotes, and single ones where a field begins with one. */
const usedQuotes = (sample: string): string[] => (/(^|[,;\t|\r\n])'/.test(sample) ? quotes : quotes.slice(0, 1))

/** Throws for marks that DuckDB's reader cannot take or cannot tell apart. */
export function checkDialect(declared: CsvDialect = {}): void {
  const refuse = (option: string, reason: string) =>
    new MeshError('MESHWORK_INGEST_OPTION', { option: `csv.${option}`, reason })
  const { delimiter, quote, escape, comment, nullStrings = [] } = declared
  const marks = Object.entries({ delimiter, quote, escape, comment }).filter(
    ([, mark]) => mark !== undefined && mark !== '',
  )
  for (const [option, mark = ''] of marks) {
    const bytes = Buffer.byteLength(mark)
    if (/[\r\n]/.test(mark)) throw refuse(option, 'a line end cannot be a mark')
    if (option === 'delimiter' ? bytes > 4 : bytes > 1)
      throw refuse(
        option,
        `"${mark}" has ${bytes} bytes in UTF-8, over the ${option === 'delimiter' ? 4 : 1} that can be read`,
      )
    const other = marks.find(([name, text]) => name !== option && text === mark)
    if (other && !(option === 'quote' && other[0] === 'escape') && !(option === 'escape' && other[0] === 'quote'))
      throw refuse(option, `"${mark}" is csv.${other[0]} as well`)
  }
  for (const text of nullStrings)
    for (const [option, mark = ''] of marks)
      if (text.includes(mark)) throw refuse('nullStrings', `"${text}" holds the ${option} "${mark}"`)
}

/** The dialect as the contract has it. */
export const shownDialect = (dialect: Dialect, header: boolean): CsvDialect => ({
  delimiter: dialect.delimiter,
  quote: dialect.quote,
  ...(dialect.escape === '' || dialect.quote === '' ? {} : { escape: dialect.escape }),
  ...(dialect.comment === '' ? {} : { comment: dialect.comment }),
  header,
  ...(dialect.decimalSeparator === '.' ? {} : { decimalSeparator: dialect.decimalSeparator }),
  ...(dialect.dateFormat === undefined ? {} : { dateFormat: dialect.dateFormat }),
  ...(dialect.timestampFormat === undefined ? {} : { timestampFormat: dialect.timestampFormat }),
  ...(dialect.nullStrings.length === 1 && dialect.nullStrings[0] === ''
    ? {}
    : { nullStrings: [...dialect.nullStrings] }),
})

/** The number of fields that most records have; the first one decides a tie. */
export function usualWidth(records: readonly (readonly string[])[]): number {
  const counts = new Map<number, number>()
  for (const { length } of records) counts.set(length, (counts.get(length) ?? 0) + 1)
  let best = records[0]?.length ?? 0
  for (const [width, count] of counts) if (count > (counts.get(best) ?? 0)) best = width
  return best
}

/** 0 when nothing is split; else the share of records of one width, more when the first has it, a little for width. */
function agreement(records: readonly (readonly string[])[]): number {
  const width = usualWidth(records)
  if (width < 2) return 0
  const share = records.filter(({ length }) => length === width).length / records.length
  return share + (records[0]?.length === width ? 0.5 : 0) + Math.min(width, 1000) / 1e5
}
