// Small building blocks of every contract. A schema with a PascalCase title becomes a named component of the
// OpenAPI documents that use it; two schemas with one title must be equal.

import Type, { type Static, type TSchema, type TSchemaOptions } from 'typebox'

/** A closed set of strings, written as JSON Schema `enum` with its type, so that every generator prints it well. */
export const OneOf = <const T extends readonly string[]>(values: T, options: TSchemaOptions = {}) =>
  Type.Unsafe<T[number]>({ type: 'string', enum: [...values], ...options })

/** Words of an answer that may become more within a major version: callers take one that they do not know as such. */
export const OpenOneOf = <const T extends readonly string[]>(values: T, options: TSchemaOptions = {}) =>
  OneOf(values, { 'x-extensible-enum': true, ...options })

/** An object that refuses keys it does not name. */
export const Closed = <T extends Record<string, TSchema>>(properties: T, options: TSchemaOptions = {}) =>
  Type.Object(properties, { additionalProperties: false, ...options })

/** A map from names to values, with a bound on the number of entries. */
export const MapOf = <T extends TSchema>(value: T, options: TSchemaOptions & { maxProperties: number }) =>
  Type.Unsafe<Record<string, Static<T>>>({ type: 'object', additionalProperties: value, ...options })

export const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])

/** A JSON value of any shape. */
export const Json = Type.Unsafe<JsonValue>({ description: 'Any JSON value.' })
export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue }

/** SHA-256 in lower-case hexadecimal: the content address of an artefact. */
export const Sha256 = Type.String({
  pattern: '^[0-9a-f]{64}$',
  description: 'SHA-256 of the content, 64 lower-case hexadecimal digits.',
  examples: ['9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'],
})

/** One scalar DuckDB expression over the columns of a dataset; functions come from an allow-list. */
export const Expression = Type.String({
  minLength: 1,
  maxLength: 4096,
  description:
    'One scalar SQL expression (DuckDB dialect) over the columns of the dataset. Functions come from an allow-list; no sub-queries, no files, no network.',
  examples: ['delay > 15', 'hour(date)'],
})

export const Count = (description: string) =>
  Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description })
