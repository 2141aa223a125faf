// Settings from the environment, read once. All bad keys are told in one error, with the way out. KEY_FILE instead of
// KEY names a file that holds the value, so that secrets stay out of the environment.

import { readFileSync } from 'node:fs'
import { closest, compile } from '@meshwork/contracts'
import type { Static, TObject } from 'typebox'

export type Environment = Readonly<Record<string, string | undefined>>

/** Thrown at boot; `message` has a line for each bad key. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

interface Setting {
  readonly type?: string
  readonly default?: unknown
  readonly description?: string
  /** It is a secret. */
  readonly writeOnly?: boolean
}

/** What commands read: it may well stand in the shell from which a service is started. */
const ofCommands = ['MESHWORK_URL']

/**
 * Reads the keys of an object schema from the environment: numbers and booleans are converted, defaults filled in.
 * A MESHWORK_ key that is in neither the schema nor `others` is an error: it is most likely mistyped.
 */
export function readConfig<T extends TObject>(
  schema: T,
  environment: Environment,
  others: readonly (string | RegExp)[] = [],
): Readonly<Static<T>> {
  const faults: string[] = []
  const values: Record<string, unknown> = {}
  const properties = schema.properties as Record<string, Setting>
  for (const [key, property] of Object.entries(properties)) {
    const { raw, fault: unreadable } = given(key, environment)
    if (unreadable !== undefined) faults.push(unreadable)
    else if (raw === undefined || raw === '') {
      if ('default' in property) values[key] = property.default
      else if (schema.required?.includes(key))
        faults.push(`${key} is not set: ${property.description ?? 'it is needed'}`)
    } else {
      const value = convert(raw, property.type)
      const [fault] = compile(property).check(value)
      const means = property.description === undefined ? '' : `; it is: ${property.description}`
      if (fault) faults.push(`${key} ${withoutSecret(fault.detail, property)}${means}`)
      else values[key] = value
    }
  }
  for (const key of Object.keys(environment)) {
    if (!key.startsWith('MESHWORK_') || key.replace(/_FILE$/, '') in properties || ofCommands.includes(key)) continue
    if (others.some(other => (typeof other === 'string' ? other === key : other.test(key)))) continue
    const near = meant(key, Object.keys(properties))
    faults.push(`${key} is not a setting of this service${near === undefined ? '' : `; did you mean ${near}?`}`)
  }
  if (faults.length > 0) throw new ConfigError(`the configuration is wrong:\n  ${faults.join('\n  ')}`)
  return Object.freeze(values) as Readonly<Static<T>>
}

/** The setting that was perhaps meant: one that goes on where the name ends, or the nearest without what all begin with. */
function meant(key: string, known: readonly string[]): string | undefined {
  const longer = known.find(name => name.startsWith(`${key}_`))
  const bare = (name: string) => name.replace(/^MESHWORK_/, '')
  const near = longer === undefined ? closest(bare(key), known.map(bare)) : undefined
  return longer ?? known.find(name => bare(name) === near)
}

/** Neither a secret nor the user and password of a URL get into what is told. */
function withoutSecret(detail: string, { writeOnly }: Setting): string {
  if (writeOnly === true) return 'is not what it must be (its value is a secret and is not shown)'
  return detail.replace(/(\w+:\/\/)[^/\s"@]*@/g, '$1…@')
}

const fileBytesMax = 65_536

/** The text of a setting: its own, or what its file holds without the line end. Both at once would hide one of them. */
function given(key: string, environment: Environment): { raw?: string | undefined; fault?: string } {
  const raw = environment[key]
  const path = environment[`${key}_FILE`]
  if (path === undefined || path === '') return { raw }
  if (raw !== undefined && raw !== '') return { fault: `${key} and ${key}_FILE are both set; keep one of them` }
  try {
    const content = readFileSync(path, 'utf8')
    if (content.length > fileBytesMax) return { fault: `${key}_FILE names ${path}, which is too large for a setting` }
    const text = content.replace(/\r?\n$/, '')
    return text === '' ? { fault: `${key}_FILE names ${path}, which is empty` } : { raw: text }
  } catch (error) {
    return { fault: `${key}_FILE names ${path}, which cannot be read: ${(error as Error).message}` }
  }
}

function convert(raw: string, type: string | undefined): unknown {
  if (type === 'integer' || type === 'number') return raw.trim() === '' || Number.isNaN(Number(raw)) ? raw : Number(raw)
  if (type === 'boolean') return raw === 'true' || raw === '1' ? true : raw === 'false' || raw === '0' ? false : raw
  return raw
}
