// What a file is, from its first bytes and what the caller declared: format, compression, encoding, dialect, fields.

import {
  type Column,
  type Compression,
  type CsvDialect,
  datasetColumnsMax,
  type Encoding,
  type Format,
  MeshError,
} from '@meshwork/contracts'
import { columnNames } from './column/names.ts'
import type { Field } from './column/choose.ts'
import { inferType } from './column/infer.ts'
import { checkDialect, type Dialect, findDialect, shownDialect, usualWidth } from './csv/dialect.ts'
import { looksLikeHeader } from './csv/header.ts'
import { splitRecords } from './csv/records.ts'
import { arrayElements, checkShape, fieldsOf } from './json/sample.ts'
import { decodeHead, likelyUtf16, markedEncoding, refuse } from './source/encoding.ts'
import { binaryReason, compressionOf, expandHead, type Head, headBytesMax } from './source/head.ts'
import { plainFailure } from './source/plain.ts'

export interface Declared {
  readonly format?: Format
  readonly compression?: Compression
  readonly encoding?: Encoding
  readonly csv?: CsvDialect
  readonly schema?: readonly Column[]
}

export interface CsvInspection {
  readonly format: 'csv'
  readonly compression: Compression
  readonly encoding: Encoding
  readonly dialect: Dialect
  readonly header: boolean
  readonly fields: readonly Field[]
  readonly warnings: readonly string[]
}
export interface JsonInspection {
  readonly format: 'json' | 'ndjson'
  readonly compression: Compression
  readonly encoding: Encoding
  /** Fields of the first records; later ones may have more. */
  readonly fields: readonly Field[]
  readonly warnings: readonly string[]
}
export interface ParquetInspection {
  readonly format: 'parquet'
  readonly compression: Compression
}
export type Inspection = CsvInspection | JsonInspection | ParquetInspection

const jsonSampleMax = 2000

/** `source` is how messages name the file. */
export async function inspect(head: Head, declared: Declared, source: string): Promise<Inspection> {
  if (head.bytes.length === 0) throw new MeshError('MESHWORK_INGEST_EMPTY', { source })
  const compression = declared.compression ?? compressionOf(head.bytes)
  if (compression !== 'none' && compressionOf(head.bytes) !== compression)
    throw new MeshError('MESHWORK_INGEST_COMPRESSION', {
      source,
      compression,
      reason: `it begins with the bytes ${head.bytes.subarray(0, 4).toString('hex')}, which are not ${compression}`,
    })
  const plain = compression === 'none' ? head : await expanded(head, compression, source)
  if (plain.bytes.length === 0) throw new MeshError('MESHWORK_INGEST_EMPTY', { source })
  const parquet = plain.bytes.subarray(0, 4).toString('latin1') === 'PAR1'
  if (declared.format === 'parquet' || (declared.format === undefined && parquet)) {
    if (parquet) return { format: 'parquet', compression }
    throw new MeshError('MESHWORK_INGEST_UNREADABLE', {
      source,
      format: 'parquet',
      reason: 'it does not begin with PAR1',
    })
  }
  return inspectText(plain, compression, declared, source)
}

async function expanded(head: Head, compression: 'gzip' | 'zstd', source: string): Promise<Head> {
  try {
    return await expandHead(head, compression)
  } catch (error) {
    throw plainFailure(error, source, compression)
  }
}

function inspectText(head: Head, compression: Compression, declared: Declared, source: string): Inspection {
  const encoding = declared.encoding ?? markedEncoding(head.bytes) ?? 'utf-8'
  if (encoding === 'utf-8' || encoding === 'latin-1' || encoding === 'windows-1252') {
    const likely = encoding === 'utf-8' ? likelyUtf16(head.bytes) : undefined
    if (likely !== undefined) throw refuse(source, encoding, `every second byte is zero, as in ${likely}`)
    const reason = binaryReason(head.bytes)
    if (reason !== undefined) throw new MeshError('MESHWORK_INGEST_FORMAT', { source, reason })
  }
  const text = decodeHead(head.bytes, head.whole, encoding, source).replace(/^\uFEFF/, '')
  if (text.trim() === '') throw new MeshError('MESHWORK_INGEST_EMPTY', { source })
  const format = declared.format ?? (/^\s*[[{]/.test(text) ? checkShape(text, source) : 'csv')
  if (format === 'csv') return inspectCsv(text, head.whole, compression, encoding, declared, source)
  const shape = checkShape(text, source)
  if (format === 'json' && shape === 'ndjson')
    throw new MeshError('MESHWORK_INGEST_JSON_SHAPE', { source, reason: 'it is not an array' })
  if (format === 'ndjson' && shape === 'json')
    throw new MeshError('MESHWORK_INGEST_JSON_SHAPE', {
      source,
      reason: 'it is one array and not a line for each object (format json)',
    })
  const records = format === 'json' ? arrayElements(text, jsonSampleMax) : completeLines(text, head.whole)
  const fields = fieldsOf(records)
  return { format: format as 'json' | 'ndjson', compression, encoding, fields, warnings: notes(fields) }
}

function inspectCsv(
  text: string,
  whole: boolean,
  compression: Compression,
  encoding: Encoding,
  declared: Declared,
  source: string,
): CsvInspection {
  checkDialect(declared.csv)
  const dialect = findDialect(text, whole, declared.csv)
  checkDialect(shownDialect(dialect, false))
  const records = splitRecords(text, dialect, { whole })
  const [first] = records
  if (!first)
    throw new MeshError('MESHWORK_INGEST_HEADER', {
      source,
      reason: whole
        ? 'it has no records'
        : `its first record is longer than ${headBytesMax} bytes, or a quote is not closed`,
    })
  const names = declared.schema?.map(({ name }) => name)
  const header = declared.csv?.header ?? looksLikeHeader(first, records.slice(1), dialect, names)
  const width = header ? first.length : usualWidth(records)
  if (width > datasetColumnsMax)
    throw new MeshError('MESHWORK_DATASET_COLUMNS', { columns: width, max: datasetColumnsMax })
  const rows = (header ? records.slice(1) : records).filter(({ length }) => length === width)
  const named = header ? columnNames(first) : { names: unnamed(width), warnings: [] }
  const fields = named.names.map((name, i) => ({
    name,
    ...inferType(
      rows.map(row => row[i] as string),
      dialect,
    ),
  }))
  const warnings = [...named.warnings, ...notes(fields)]
  return { format: 'csv', compression, encoding, dialect, header, fields, warnings }
}

const unnamed = (width: number): string[] => Array.from({ length: width }, (_, i) => `column_${i + 1}`)

function completeLines(text: string, whole: boolean): string[] {
  const lines = text.split(/\r?\n/)
  if (!whole && lines.length > 1) lines.pop()
  return lines.filter(line => line.trim() !== '').slice(0, jsonSampleMax)
}

const notes = (fields: readonly { name: string; note?: string }[]): string[] =>
  fields.flatMap(({ name, note }) => (note === undefined ? [] : [`Column "${name}" ${note}.`]))
