// What jsonb and text of PostgreSQL hold: every text of JSON but for U+0000 and halves of surrogate pairs. A value that
// is not storable fails the whole statement it stands in, and with group commit that of other runs, so it is refused
// where it comes in. Pure.

export const isStorable = (text: string): boolean => !text.includes('\u0000') && text.isWellFormed()

/** JSON.stringify escapes both, so one look over its text finds them in keys and values alike. */
export const isStorableJson = (value: unknown): boolean => {
  const json = JSON.stringify(value)
  return json === undefined || !unstorable.test(json)
}

/** The text of JSON with what cannot be stored replaced by U+FFFD: for words of others that are only shown. */
export const storableJson = (json: string): string => json.replace(unstorableAll, '$1\ufffd')

// An escape counts when an even number of backslashes stands before it.
const pattern = String.raw`((?<!\\)(?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})`
const unstorable = new RegExp(pattern, 'i')
const unstorableAll = new RegExp(pattern, 'gi')

/**
 * Whether a write failed because of a value: a data exception (22) or a limit (54) of the database, or a value nested
 * too deep for JSON.stringify.
 */
export const isOfValue = (error: unknown): boolean =>
  error instanceof RangeError || /^(22|54)/.test(String((error as { code?: unknown } | undefined)?.code))
