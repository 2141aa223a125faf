// A dataset on its way through the rules: what is written, the layers that wait on top of it, and what each rule did.
// Layers are counted in one pass and written in one; what changes no row is never written.

import { type CleanOutput, type CleanRule, type Column, type DatasetRef, MeshError } from '@meshwork/contracts'
import { type Dataset, ident, type PartSource, type Row, type Tables } from '@meshwork/kit'
import { badCounter, keptCounter, type Layer, living, nest, type Source, touchedCounter } from './layer.ts'
import { placeOf } from './columns-of-rule.ts'

type RuleReport = CleanOutput['rules'][number]
/** A layer, or none for a rule that has nothing to do, and the rule it comes from. */
interface Applied {
  readonly rule: CleanRule
  readonly index: number
  readonly layer: Layer | undefined
}

/** Nesting deeper than this is written before it goes on: DuckDB limits the depth of a statement. */
const layersMax = 24
const valuesShown = 5
const valueShownLength = 60

export class TableState {
  readonly tables: Tables
  readonly reports: RuleReport[] = []
  #ref: DatasetRef
  #dataset: Dataset
  #columns: readonly Column[]
  #layers: Layer[] = []
  /** Rules whose rows are not counted yet; their layers are the last ones. */
  #uncounted: Applied[] = []
  /** Rows of each part that the counted layers leave. */
  #left: number[]
  readonly #passed: (rows: number, message: string) => void

  constructor(tables: Tables, ref: DatasetRef, passed: (rows: number, message: string) => void) {
    this.tables = tables
    this.#ref = ref
    this.#dataset = tables.dataset(ref)
    this.#columns = this.#dataset.columns
    this.#left = this.#dataset.parts.map(({ rows }) => rows)
    this.#passed = passed
  }

  get columns(): readonly Column[] {
    return this.#columns
  }

  get parts(): readonly PartSource[] {
    return this.#dataset.parts
  }

  /** Rows of the dataset below the layers. */
  get baseRows(): number {
    return this.#dataset.rows
  }

  /** Rows of each part after the rules that are counted. */
  get left(): readonly number[] {
    return this.#left
  }

  /** Rows after the rules that are counted. */
  get rows(): number {
    return sum(this.#left)
  }

  /** Puts a layer on top. `left`, where it is known already, has the rows that it leaves of each part. */
  async apply(rule: CleanRule, index: number, layer: Layer | undefined, left?: readonly number[]): Promise<void> {
    this.#uncounted.push({ rule, index, layer })
    if (layer === undefined) return
    this.#columns = layer.columns
    this.#layers.push(layer)
    if (left !== undefined) this.countedAs(left)
    if (this.#layers.length >= layersMax) await this.write()
  }

  /** The rows as the rules so far leave them: a FROM item in parentheses. `source` is a part, or all without it. */
  from(columns: readonly string[], source?: Source): string {
    const whole: Source = source ?? { firstRow: 0, from: names => this.#dataset.from(names) }
    return `(${living(nest(whole, this.#layers, { columns }), columns.map(ident))})`
  }

  /** The same with the place of each row in the dataset below, as `name`. */
  fromWithRow(columns: readonly string[], source: Source, list: readonly string[]): string {
    return `(${living(nest(source, this.#layers, { columns, row: true }), list)})`
  }

  /** Counts what the rules since the last count did, and forgets layers that did nothing. */
  async count(): Promise<void> {
    if (this.#uncounted.length === 0) return
    const first = this.#layers.length - this.#uncounted.filter(({ layer }) => layer !== undefined).length
    const numbers = new Set(this.#layers.flatMap((layer, i) => (i >= first && counted(layer) ? [i] : [])))
    const counts = numbers.size === 0 ? this.parts.map(() => ({})) : await this.#countPass(numbers)
    this.#passed(0, 'counted')
    const idle = new Set<Layer>()
    let place = first
    for (const applied of this.#uncounted) {
      const i = applied.layer === undefined ? -1 : place++
      await this.#settle(applied, i, counts, idle)
    }
    this.#uncounted = []
    this.#layers = this.#layers.filter(layer => !idle.has(layer))
  }

  /** True when one rule alone is not counted, and it only removes rows: then the rows that it left tell all. */
  get countsItself(): boolean {
    const [only] = this.#uncounted
    return this.#uncounted.length === 1 && only?.layer?.keep !== undefined
  }

  /** `left` has the rows that the one uncounted rule left of each part. */
  countedAs(left: readonly number[]): void {
    const [only] = this.#uncounted
    if (!this.countsItself || only === undefined) throw new Error('more than one rule is not counted')
    const after = sum(left)
    if (after === this.rows) this.#layers.pop()
    this.#report(only.rule, after, this.rows - after)
    this.#left = [...left]
    this.#uncounted = []
  }

  /** Writes what the layers change, and answers the dataset. */
  async write(): Promise<DatasetRef> {
    const everyPartLost = this.#left.every((rows, i) => rows < (this.parts[i] as PartSource).rows)
    const late = everyPartLost && this.parts.length > 0 && this.countsItself
    if (!late) await this.count()
    if (this.#layers.length === 0) return this.#ref
    const names = this.#columns.map(({ name }) => name)
    if (late || this.rows < this.#dataset.rows) {
      const select = (part: PartSource) => `SELECT * FROM ${this.from(names, part)}`
      const left: number[] = this.parts.map(() => 0)
      const ref = await this.tables.rewrite(this.#dataset, select, {
        unchanged: part => !late && this.#onlyRemoves() && this.#left[part.index] === part.rows,
        written: (part, rows) => {
          left[part.index] = rows
          this.#passed(part.rows, 'writing')
        },
      })
      if (late) this.countedAs(left)
      return this.#start(ref)
    }
    const kept = this.#unchangedColumns()
    const made = names.filter(name => !kept.has(name))
    const keep = names.filter(name => kept.has(name))
    if (made.length === 0) return this.#start(await this.tables.project(this.#dataset, names))
    const select = (part: PartSource) => `SELECT * FROM ${this.from(made, part)}`
    const more = this.tables.dataset(await this.tables.addColumns(this.#dataset, select, { keep }))
    this.#passed(this.#dataset.rows, 'writing')
    return this.#start(await this.tables.project(more, names))
  }

  /** The failure of an expression with the rule that caused it: DuckDB does not say which, so each is tried alone. */
  async nameGuilty(error: unknown): Promise<unknown> {
    const failed = (value: unknown): value is MeshError =>
      value instanceof MeshError && value.code === 'MESHWORK_EXPRESSION_FAILED'
    if (!failed(error)) return error
    const whole: Source = { firstRow: 0, from: names => this.#dataset.from(names) }
    for (const [i, { where }] of this.#layers.entries()) {
      if (where === undefined) continue
      const rows = living(nest(whole, this.#layers.slice(0, i + 1), { columns: [] }), ['1'])
      try {
        await this.tables.query(`SELECT count(*) AS n FROM (${rows})`)
      } catch (cause) {
        if (!failed(cause)) return error
        const reason = cause.message.replace(/^The data: |\.$/g, '')
        return new MeshError('MESHWORK_EXPRESSION_FAILED', { where, reason }, { cause: error })
      }
    }
    return error
  }

  #start(ref: DatasetRef): DatasetRef {
    this.#ref = ref
    this.#dataset = this.tables.dataset(ref)
    this.#layers = []
    this.#left = this.#dataset.parts.map(({ rows }) => rows)
    return ref
  }

  async #countPass(numbers: ReadonlySet<number>): Promise<Row[]> {
    const counters = [...numbers].flatMap(i => {
      const { keep, touched, bad = [] } = this.#layers[i] as Layer
      return [
        ...(keep === undefined ? [] : [keptCounter(i)]),
        ...(touched === undefined ? [] : [touchedCounter(i)]),
        ...bad.map((_, place) => badCounter(i, place)),
      ]
    })
    const list = counters.map(name => `count(*) FILTER (${name}) AS ${name}`).join(', ')
    return await this.tables.session.each(this.parts, async (part, lane) => {
      const nested = nest(part, this.#layers, { columns: [], count: numbers })
      const [row] = await this.tables.query(`SELECT ${list} FROM (${nested})`, lane)
      this.#passed(part.rows, 'counting')
      return row ?? {}
    })
  }

  async #settle({ rule, index, layer }: Applied, i: number, counts: readonly Row[], idle: Set<Layer>): Promise<void> {
    const total = (name: string) => sum(counts.map(row => Number(row[unquoted(name)] ?? 0)))
    if (layer === undefined) return this.#report(rule, this.rows, 0)
    for (const [place, { column }] of (layer.bad ?? []).entries()) {
      const count = total(badCounter(i, place))
      if (count > 0) throw await this.#castFailed(rule, index, i, column, count)
    }
    if (layer.keep !== undefined) {
      const left = counts.map(row => Number(row[unquoted(keptCounter(i))] ?? 0))
      const removed = this.rows - sum(left)
      if (removed === 0) idle.add(layer)
      this.#left = left
      return this.#report(rule, sum(left), removed)
    }
    const touched = layer.touched === undefined ? 0 : total(touchedCounter(i))
    if (layer.touched !== undefined && touched === 0 && rule.rule !== 'cast') idle.add(layer)
    this.#report(rule, this.rows, touched)
  }

  #report(rule: CleanRule, rowsAfter: number, rowsTouched: number): void {
    const rowsBefore = this.reports.at(-1)?.rowsAfter ?? this.#dataset.rows
    this.reports.push({ rule: rule.rule, rowsBefore, rowsAfter, rowsTouched })
  }

  async #castFailed(rule: CleanRule, index: number, i: number, name: string, count: number): Promise<MeshError> {
    const layers = this.#layers.slice(0, i)
    const layer = this.#layers[i] as Layer
    const lost = layer.bad?.find(({ column }) => column === name)?.sql ?? 'FALSE'
    const whole: Source = { firstRow: 0, from: names => this.#dataset.from(names) }
    const rows = living(nest(whole, layers, { columns: [name] }), [ident(name)])
    const shown = `left(CAST(${ident(name)} AS VARCHAR), ${valueShownLength})`
    const found = await this.tables.query(`SELECT ${shown} AS value FROM (${rows}) WHERE ${lost} LIMIT ${valuesShown}`)
    const typeIn = (columns: readonly Column[]) => columns.find(column => column.name === name)?.type ?? ''
    return new MeshError('MESHWORK_CLEAN_CAST_FAILED', {
      where: placeOf(rule, index),
      count,
      column: name,
      from: typeIn(i === 0 ? this.#dataset.columns : (layers.at(-1) as Layer).columns),
      to: typeIn(layer.columns),
      values: found.map(({ value }) => JSON.stringify(value)).join(', '),
    })
  }

  #onlyRemoves(): boolean {
    return this.#layers.every(({ keep }) => keep !== undefined)
  }

  /** Columns at the end that are columns of the dataset below, under the same name and untouched. */
  #unchangedColumns(): Set<string> {
    let same = new Set(this.#dataset.columns.map(({ name }) => name))
    for (const { columns, values } of this.#layers)
      same = new Set(columns.map(({ name }) => name).filter(name => same.has(name) && !values?.has(name)))
    return same
  }
}

const counted = ({ keep, touched, bad }: Layer): boolean =>
  keep !== undefined || touched !== undefined || bad !== undefined
const unquoted = (name: string): string => name.slice(1, -1)
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
