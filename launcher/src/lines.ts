// Log lines of many services on one terminal: whose it is, and what it says.

const colours = [36, 33, 32, 35, 34, 96, 93, 92, 95, 94]
const shownKeys = ['runId', 'step', 'attempt', 'status', 'rows', 'seconds', 'code', 'detail', 'url', 'why', 'err']
const nameWidth = 12

export interface LineStyle {
  readonly colour: boolean
  /** Lines as they were written. */
  readonly raw: boolean
}

export function formatLine(name: string, line: string, order: number, style: LineStyle): string {
  if (style.raw) return line
  const label = name.padEnd(nameWidth)
  const head = style.colour ? `\u001b[${colours[order % colours.length]}m${label}\u001b[0m` : label
  return `${head} ${readable(line)}`
}

function readable(line: string): string {
  let entry: Record<string, unknown>
  try {
    entry = JSON.parse(line) as Record<string, unknown>
  } catch {
    return line
  }
  if (typeof entry !== 'object' || entry === null || !('msg' in entry)) return line
  const time = (typeof entry['time'] === 'string' ? entry['time'] : '').slice(11, 23)
  const level = entry['level'] === 'info' ? '' : `${String(entry['level']).toUpperCase()} `
  const details = shownKeys.flatMap(key =>
    entry[key] === undefined || entry[key] === null ? [] : [`${key}=${shown(key, entry[key])}`],
  )
  return [time, `${level}${String(entry['msg'])}`, ...details].join('  ')
}

function shown(key: string, value: unknown): string {
  if (key === 'runId') return String(value).slice(0, 8)
  if (key === 'seconds') return Number(value).toFixed(3)
  if (key === 'err') return String((value as { message?: string }).message ?? value)
  return String(value)
}
