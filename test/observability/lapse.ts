// Rules in time lapse: what takes minutes takes seconds, so that an alert is seen to fire and to clear while one waits.
// Limits stay what they are; only windows and waits are shorter.

import { parse, stringify } from 'yaml'

export const factor = 20
const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }

interface Rule {
  expr: string
  for?: string
}
interface Rules {
  groups: { name: string; interval?: string; rules: Rule[] }[]
}

export function lapse(rules: string): string {
  const parsed = parse(rules) as Rules
  for (const group of parsed.groups) {
    if (group.interval !== undefined) group.interval = shorter(group.interval)
    for (const rule of group.rules) {
      rule.expr = rule.expr
        .replaceAll(/\[(\w+)(?::(\w+))?\]/g, (_, window: string, step?: string) =>
          step === undefined ? `[${shorter(window)}]` : `[${shorter(window)}:${shorter(step)}]`,
        )
        .replaceAll(/\boffset (\w+)/g, (_, window: string) => `offset ${shorter(window)}`)
      if (rule.for !== undefined) rule.for = shorter(rule.for)
    }
  }
  return stringify(parsed, { lineWidth: 0, aliasDuplicateObjects: false })
}

function shorter(duration: string): string {
  const [, count, unit] = /^(\d+)([smhd])$/.exec(duration) ?? []
  const unitLength = unit === undefined ? undefined : unitSeconds[unit]
  if (unitLength === undefined) throw new Error(`"${duration}" is no duration that is known here`)
  return `${Math.ceil((Number(count) * unitLength) / factor)}s`
}
