// Whether the first record of a CSV file names its columns.

import { type InferOptions, fits, inferType } from '../column/infer.ts'

/**
 * It does when one of its fields does not fit the type of the values below it, or when all of them are plain text.
 * It does not when it looks like any other record, as with `1,2` above `3,4`.
 */
export function looksLikeHeader(
  first: readonly string[],
  rest: readonly (readonly string[])[],
  options: InferOptions,
  declaredNames: readonly string[] = [],
): boolean {
  const declared = new Set(declaredNames.map(name => name.toLowerCase()))
  if (first.some(field => declared.has(field.trim().toLowerCase()))) return true
  const typed = (field: string) => inferType([field], options).type !== 'string'
  if (!first.some(typed)) return true
  return first.some((field, i) => {
    const below = inferType(
      rest.map(record => record[i] ?? ''),
      options,
    ).type
    return below !== 'string' && field !== '' && !fits(field, below, options)
  })
}
