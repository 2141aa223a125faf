// A dataset through a model: parts are read, sent in batches and collected, while others are under way.

import { type Column, type DatasetRef, type DriftReport, type InferenceInput, MeshError } from '@meshwork/contracts'
import { type ColumnValues, type Dataset, ident, type PartSource, type StageContext, type Tables } from '@meshwork/kit'
import type { Model } from '../model/models.ts'
import { isFloat, type TensorData, tensorTypes } from '../model/tensor-type.ts'
import { compare } from '../drift/compare.ts'
import { Tally } from '../drift/tally.ts'
import type { Feed, RunAnswer } from '../session/messages.ts'
import { Buffers } from './buffers.ts'
import { type InputPlan, planInputs } from './inputs.ts'
import { type NewColumn, planOutputs } from './outputs.ts'

const batchRowsDefault = 32_768
const batchBytesMax = 32 * 1024 * 1024
const partBytesMax = 1024 * 1024 * 1024
const buffersPerWorker = 3

/** Rows of a dataset that are looked at for drift, at the most about. */
const watchedRowsMax = 100_000

export interface Prediction {
  readonly dataset: DatasetRef
  readonly columns: Column[]
  /** Where the model has a reference. */
  readonly drift: DriftReport | undefined
}

export async function predict(
  model: Model,
  workers: number,
  input: InferenceInput,
  tables: Tables,
  context: Pick<StageContext, 'signal' | 'progress'>,
): Promise<Prediction> {
  const dataset = tables.dataset(input.dataset)
  const at = { model: model.name, version: model.version }
  const inputs = planInputs(model.signature, input, dataset.columns, at)
  const outputs = planOutputs(model.signature, input.outputs, dataset.columns, at)
  refuseLargeParts(dataset, outputs, at)
  const rows = batchSize(model.signature.batch, input.batchRows ?? batchRowsDefault, inputs.rowBytes)
  const buffers = new Buffers(Math.max(buffersPerWorker * workers, tables.session.lanes + 1), () =>
    inputs.inputs.map(({ name, type, shape, columns }) => ({
      name,
      type,
      shape,
      data: tensorTypes[type].make(rows.message * columns.length),
    })),
  )
  let done = 0
  const counted = (more: number) => {
    done += more
    context.progress(Math.min(0.99, done / dataset.rows), { rows: done, message: 'predicting' })
  }
  const reference = await model.reference()
  const tally = reference && new Tally(reference)
  const { signal } = context
  const work = { model, input, tables, dataset, inputs, outputs, rows, buffers, signal, counted, tally }
  const columns = outputs.map(({ column }) => column)
  const result = await tables.addColumnsFrom(dataset, columns, (part, lane) => predictPart(work, part, lane))
  return { dataset: result, columns, drift: tally && compare(model, tally.reference, tally.counts) }
}

interface Work {
  readonly model: Model
  readonly input: InferenceInput
  readonly tables: Tables
  readonly dataset: Dataset
  readonly inputs: InputPlan
  readonly outputs: readonly NewColumn[]
  readonly rows: { readonly step: number; readonly message: number; readonly fixed: boolean }
  readonly buffers: Buffers
  readonly signal: AbortSignal
  readonly counted: (rows: number) => void
  readonly tally: Tally | undefined
}

/** A vector of a chunk, as far as it is read here. */
interface Vector {
  readonly items?: ArrayLike<number | bigint>
  readonly validity: { readonly data: unknown; itemValid(index: number): boolean }
  getItem(index: number): unknown
}

async function predictPart(work: Work, part: PartSource, lane: number): Promise<readonly ColumnValues[]> {
  const { tables, inputs, outputs, rows, buffers, signal } = work
  const { session } = tables
  const results = outputs.map(({ type }) => tensorTypes[type].make(part.rows))
  const underWay = new Set<Promise<void>>()
  const failures: unknown[] = []
  let feeds = await buffers.take()
  let filled = 0
  let at = 0
  const send = () => {
    const sent = sendBatch(work, feeds, { at, rows: filled }, results).catch((error: unknown) => {
      failures.push(error)
    })
    underWay.add(sent)
    void sent.then(() => underWay.delete(sent))
    at += filled
    filled = 0
  }
  try {
    const sql = `SELECT ${inputs.select} FROM ${part.from(inputs.names)}`
    const stream = await session.guard(() => session.connection(lane).stream(sql))
    for (;;) {
      const chunk = await session.guard(() => stream.fetchChunk())
      if (chunk === null || chunk.rowCount === 0) break
      const vectors = Array.from({ length: chunk.columnCount }, (_, i) => chunk.getColumnVector(i) as unknown as Vector)
      const withNull = vectors.findIndex(vector => hasNull(vector, chunk.rowCount))
      if (withNull >= 0) throw await nullsProblem(work, withNull, lane)
      for (let from = 0; from < chunk.rowCount; ) {
        if (filled === rows.message) {
          send()
          feeds = await buffers.take()
        }
        if (failures.length > 0) throw failures[0]
        const count = Math.min(chunk.rowCount - from, rows.message - filled)
        fill(feeds, filled, vectors, from, count)
        from += count
        filled += count
      }
    }
    signal.throwIfAborted()
    if (filled > 0) send()
    else buffers.give(feeds)
  } finally {
    while (underWay.size > 0) await Promise.all(underWay)
  }
  if (failures.length > 0) throw failures[0]
  return results
}

async function sendBatch(
  { model, dataset, outputs, rows, buffers, signal, counted, tally }: Work,
  feeds: readonly Feed[],
  batch: { readonly at: number; readonly rows: number },
  results: readonly TensorData[],
): Promise<void> {
  let back: readonly Feed[] | undefined
  try {
    const answer = await model.run(
      { rows: batch.rows, stepRows: rows.step, fixed: rows.fixed, feeds, take: outputs.map(({ take }) => take) },
      signal,
    )
    back = answer.feeds
    answer.values.forEach((values, i) => {
      const { take, type } = outputs[i] as NewColumn
      const result = results[i] as TensorData
      if (values.length !== batch.rows || values.constructor !== result.constructor)
        throw new MeshError('MESHWORK_INFERENCE_BATCH_MISMATCH', {
          model: model.name,
          version: model.version,
          output: take.output,
          shape: `${batch.rows}, ${values.length / batch.rows}`,
          rows: batch.rows,
          expected: `one value of type ${type}`,
        })
      if (Array.isArray(result)) (values as string[]).forEach((value, row) => (result[batch.at + row] = value))
      else result.set(values as never, batch.at)
    })
    if (tally) look(tally, batch, Math.ceil(dataset.rows / watchedRowsMax), answer, outputs)
    counted(batch.rows)
  } finally {
    buffers.give(back)
  }
}

/** Every so many rows, counted through the part. */
function look(
  tally: Tally,
  batch: { readonly at: number; readonly rows: number },
  step: number,
  { feeds, values }: RunAnswer,
  outputs: readonly NewColumn[],
): void {
  const rows: number[] = []
  for (let row = (step - (batch.at % step)) % step; row < batch.rows; row += step) rows.push(row)
  for (const { name, data, shape } of feeds)
    tally.add(
      'input',
      name,
      data,
      shape.reduce((product, size) => product * size, 1),
      rows,
    )
  values.forEach((data, i) => {
    const { output, place = 0 } = (outputs[i] as NewColumn).take
    tally.addPlace('output', output, place, data, rows)
  })
}

/** Puts columns beside each other, row by row. */
function fill(feeds: readonly Feed[], at: number, vectors: readonly Vector[], from: number, count: number): void {
  let next = 0
  for (const { data, shape } of feeds) {
    const width = shape.reduce((product, size) => product * size, 1)
    for (let column = 0; column < width; column++) {
      const vector = vectors[next++] as Vector
      if (Array.isArray(data)) {
        for (let i = 0, place = at * width + column; i < count; i++, place += width)
          data[place] = vector.getItem(from + i) as string
        continue
      }
      const target = data as Float32Array // any numeric array: the select gives the type of the tensor
      const items = vector.items as Float32Array
      for (let i = from, end = from + count, place = at * width + column; i < end; i++, place += width)
        target[place] = items[i] as number
    }
  }
}

function hasNull({ validity }: Vector, rows: number): boolean {
  if (validity.data === null) return false
  for (let i = 0; i < rows; i++) if (!validity.itemValid(i)) return true
  return false
}

async function nullsProblem({ inputs, tables, dataset }: Work, place: number, lane: number): Promise<MeshError> {
  const all = inputs.inputs.flatMap(input => input.columns.map(({ name }) => ({ name, input })))
  const { name, input } = all[place] as (typeof all)[number]
  const sql = `SELECT count(*) - count(${ident(name)}) AS nulls FROM ${dataset.from([name])}`
  const [row] = await tables.query(sql, lane)
  return new MeshError('MESHWORK_INFERENCE_NULLS', {
    column: name,
    input: input.name,
    count: Number(row?.['nulls']),
    wayOut: isFloat(input.type) ? ', or send NaN for them with nulls: "nan" if the model knows missing values' : '',
  })
}

/** Rows of one run, and of one message to a worker: whole runs, about as many rows as pay for the way. */
function batchSize(fixed: number | undefined, wanted: number, rowBytes: number) {
  const most = Math.max(1, Math.floor(batchBytesMax / rowBytes))
  const step = fixed ?? Math.min(wanted, most)
  const message = Math.max(1, Math.floor(Math.min(Math.max(wanted, batchRowsDefault), most) / step)) * step
  return { step, message, fixed: fixed !== undefined }
}

function refuseLargeParts(dataset: Dataset, outputs: readonly NewColumn[], at: { model: string; version: number }) {
  const rowBytes = outputs.reduce((sum, { type }) => sum + tensorTypes[type].bytes, 0)
  const largest = dataset.parts.reduce((most, { rows }) => Math.max(most, rows), 0)
  if (largest * rowBytes <= partBytesMax) return
  throw new MeshError('MESHWORK_INFERENCE_OUTPUTS', {
    ...at,
    reason: `they take ${largest * rowBytes} bytes for a part of ${largest} rows, more than ${partBytesMax}; name fewer in "outputs"`,
  })
}
