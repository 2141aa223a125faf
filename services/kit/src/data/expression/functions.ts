// Functions that a user's expression may call: deterministic, without effects, whose result is not much larger than
// their input. Left out on purpose: anything that makes long strings or lists from small numbers (repeat, lpad,
// range, list_*), that is not linear in its input (levenshtein and kin), that reads the clock, settings or files, or
// that is random. `replace` and regular expressions are limited further in gate.ts.

const names = `
+ - * / // % ** ^ || ~ & | << >> ! !~~ ~~ ~~* !~~* ~~~ @ ^@
abs acos acosh add asin asinh atan atan2 atanh cbrt ceil ceiling cos cosh cot degrees divide even exp floor gamma
gcd greatest greatest_common_divisor isfinite isinf isnan lcm least least_common_multiple lgamma ln log log10 log2
mod multiply nextafter pi pow power radians round round_even roundbankers sign signbit sin sinh sqrt subtract tan
tanh trunc xor bit_count
ascii chr concat concat_ws contains ends_with suffix prefix starts_with instr position strpos lcase lower ucase upper
left right left_grapheme right_grapheme length len strlen char_length character_length length_grapheme ltrim rtrim
trim nfc_normalize strip_accents ord unicode reverse split_part substr substring substring_grapheme replace
regexp_matches regexp_full_match regexp_extract regexp_replace like_escape not_like_escape ilike_escape
not_ilike_escape translate md5 sha256 hash
coalesce ifnull nullif if isnull isnotnull
century date_add date_diff date_part date_sub date_trunc datediff datepart datesub datetrunc day dayname dayofmonth
dayofweek dayofyear decade epoch epoch_ms epoch_us epoch_ns era hour isodow isoyear julian last_day make_date
make_time make_timestamp microsecond millennium millisecond minute month monthname quarter second strftime strptime
try_strptime time_bucket timezone week weekday weekofyear year yearweek to_timestamp to_seconds to_minutes to_hours
to_days to_weeks to_months to_quarters to_years to_milliseconds to_microseconds
`

export const allowedFunctions: ReadonlySet<string> = new Set(names.split(/\s+/).filter(Boolean))

/** Types an expression may cast to, as DuckDB's parser names them. */
export const allowedCasts: ReadonlySet<string> = new Set([
  'BOOLEAN',
  'TINYINT',
  'SMALLINT',
  'INTEGER',
  'BIGINT',
  'HUGEINT',
  'UTINYINT',
  'USMALLINT',
  'UINTEGER',
  'UBIGINT',
  'FLOAT',
  'DOUBLE',
  'DECIMAL',
  'VARCHAR',
  'DATE',
  'TIME',
  'TIMESTAMP',
  'TIMESTAMP WITH TIME ZONE',
  'TIMESTAMP_S',
  'TIMESTAMP_MS',
  'TIMESTAMP_NS',
  'INTERVAL',
])
