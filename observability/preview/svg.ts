// A dashboard as a picture: where each panel stands and what its series look like, for those who look before they install.
// Not Grafana's own drawing, but its panels, queries, units and limits.

import type { Board, Panel } from '../dashboards/board.ts'
import { readable, roundUp } from './axis.ts'

export interface Series {
  readonly name: string
  /** Seconds since 1970, and the value. */
  readonly points: readonly (readonly [number, number])[]
}
/** The series of a panel, of each query in turn. */
export type Data = (panel: Panel) => readonly Series[]

const columnPx = 50
const panelPx = 190
const rowPx = 28
const gapPx = 8
const headPx = 56
const seriesMax = 6
const colours = ['#73bf69', '#5794f2', '#ff9830', '#f2495c', '#b877d9', '#fade2a']
const ink = { ground: '#111217', panel: '#181b1f', line: '#2c3235', text: '#ccccdc', dim: '#8e8e99', limit: '#f2495c' }

interface Box {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export function previewSvg(board: Board, data: Data): string {
  const parts: string[] = []
  const width = 24 * columnPx
  let y = headPx
  for (const row of board.rows) {
    parts.push(text(gapPx, y + 19, `▾ ${row.title}`, 13, ink.text))
    y += rowPx
    let x = 0
    for (const panel of row.panels) {
      const columns = panel.width ?? 8
      if (x + columns > 24) {
        x = 0
        y += panelPx
      }
      const box = {
        x: x * columnPx + gapPx / 2,
        y,
        width: columns * columnPx - gapPx,
        height: panelPx - gapPx,
      }
      parts.push(drawPanel(panel, box, data(panel)))
      x += columns
    }
    y += panelPx
  }
  const head = text(gapPx, 24, board.title, 18, ink.text) + text(gapPx, 44, board.description, 12, ink.dim)
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y}" font-family="Inter, Helvetica, Arial, sans-serif">
<title>${escape(board.title)}</title>
<rect width="${width}" height="${y}" fill="${ink.ground}"/>
${head}
${parts.join('\n')}
</svg>
`
}

function drawPanel(panel: Panel, box: Box, all: readonly Series[]): string {
  const { x, y, width, height } = box
  const frame = `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="2" fill="${ink.panel}" stroke="${ink.line}"/>`
  const head = frame + text(x + 10, y + 18, panel.title, 12, ink.text)
  const some = all.filter(({ points }) => points.some(([, value]) => Number.isFinite(value)))
  if (some.length === 0) return head + text(x + width / 2 - 30, y + height / 2, 'No data', 12, ink.dim)
  if (panel.kind === 'table') return head + drawTable(panel, box, some)
  const inner = { x: x + 52, y: y + 30, width: width - 64, height: height - 74 }
  if (panel.kind === 'heatmap') return head + drawHeatmap(inner, some)
  return head + drawLines(panel, inner, some.slice(0, seriesMax)) + drawLegend(box, some)
}

function drawLines(panel: Panel, box: Box, some: readonly Series[]): string {
  const stacked = panel.stacked ? stack(some) : some
  const values = stacked.flatMap(({ points }) => points.map(([, value]) => value)).filter(Number.isFinite)
  const near = panel.limit !== undefined && Math.max(...values) > panel.limit / 4
  const top = roundUp(Math.max(...values, near ? panel.limit : 0))
  const place = placer(box, some, top)
  const grid = [0, 0.5, 1].map(share => {
    const at = round(box.y + box.height * (1 - share))
    return `<path d="M${box.x} ${at}H${box.x + box.width}" stroke="${ink.line}"/>${text(box.x - 48, at + 4, readable(top * share, panel.unit), 10, ink.dim)}`
  })
  const lines = stacked.map(({ points }, at) => {
    const path = points
      .filter(([, value]) => Number.isFinite(value))
      .map(point => place(point).join(' '))
      .join('L')
    return `<path d="M${path}" fill="none" stroke="${colours[at]}" stroke-width="1.3"/>`
  })
  const limit =
    panel.limit !== undefined && panel.limit <= top
      ? `<path d="M${box.x} ${place([0, panel.limit])[1]}H${box.x + box.width}" stroke="${ink.limit}" stroke-dasharray="6 4"/>`
      : ''
  return grid.join('') + lines.join('') + limit
}

/** Each series on top of the one before, over the times of all. */
function stack(some: readonly Series[]): readonly Series[] {
  const times = [...new Set(some.flatMap(({ points }) => points.map(([time]) => time)))].sort((a, b) => a - b)
  const sums = new Map(times.map(time => [time, 0]))
  return some.map(({ name, points }) => {
    const own = new Map(points)
    for (const time of times) {
      const value = own.get(time) ?? 0
      sums.set(time, (sums.get(time) ?? 0) + (Number.isFinite(value) ? value : 0))
    }
    return { name, points: times.map(time => [time, sums.get(time) ?? 0] as const) }
  })
}

/** Series are buckets that count all below: what is drawn is what each adds to the one before. */
function drawHeatmap(box: Box, some: readonly Series[]): string {
  const bounds = some
    .map(series => ({ ...series, bound: series.name === '+Inf' ? Number.POSITIVE_INFINITY : Number(series.name) }))
    .sort((a, b) => a.bound - b.bound)
  const place = placer(box, some, 1)
  const cells = bounds.map(({ points }, at) => {
    const below = new Map(at === 0 ? [] : (bounds[at - 1]?.points ?? []))
    return points.map(([time, value]) => ({ time, count: Math.max(0, value - (below.get(time) ?? 0)) }))
  })
  const most = Math.max(...cells.flat().map(({ count }) => count), 1e-9)
  const height = box.height / bounds.length
  const width = box.width / Math.max(...cells.map(row => row.length), 1)
  const drawn = cells.flatMap((row, at) =>
    row
      .filter(({ count }) => count / most > 0.02)
      .map(({ time, count }) => {
        const [x] = place([time, 0])
        const y = round(box.y + box.height - (at + 1) * height)
        return `<rect x="${x}" y="${y}" width="${round(width)}" height="${round(height)}" fill="#ff9830" opacity="${(0.15 + (0.85 * count) / most).toFixed(2)}"/>`
      }),
  )
  const labels = bounds
    .filter((_, at) => at % Math.ceil(bounds.length / 4) === 0)
    .map(({ name }) => {
      const at = bounds.findIndex(bound => bound.name === name)
      return text(box.x - 48, round(box.y + box.height - at * height), name, 10, ink.dim)
    })
  return labels.join('') + drawn.join('')
}

function drawTable(panel: Panel, { x, y, width }: Box, some: readonly Series[]): string {
  return some
    .slice(0, 7)
    .map(({ name, points }, at) => {
      const [, value = 0] = points.at(-1) ?? []
      const line = y + 42 + at * 19
      return (
        text(x + 10, line, name, 11, ink.text) + text(x + width - 70, line, readable(value, panel.unit), 11, ink.dim)
      )
    })
    .join('')
}

function drawLegend({ x, y, width, height }: Box, some: readonly Series[]): string {
  const each = width / 3
  const lettersMax = Math.floor((each - 18) / 6.2)
  const shown = some.slice(0, seriesMax).map(({ name }, at) => {
    const left = x + 10 + (at % 3) * each
    const line = y + height - 24 + Math.floor(at / 3) * 14
    const label = name.length > lettersMax ? `${name.slice(0, lettersMax - 1)}…` : name
    return `<rect x="${round(left)}" y="${line - 5}" width="10" height="3" fill="${colours[at]}"/>${text(left + 14, line, label, 10, ink.dim)}`
  })
  return shown.join('')
}

function placer(
  box: Box,
  some: readonly Series[],
  top: number,
): (point: readonly [number, number]) => [number, number] {
  const times = some.flatMap(({ points }) => points.map(([time]) => time))
  const from = Math.min(...times)
  const span = Math.max(...times) - from || 1
  return ([time, value]) => [
    round(box.x + ((time - from) / span) * box.width),
    round(box.y + box.height * (1 - Math.min(1, value / top))),
  ]
}

const round = (value: number): number => Math.round(value * 10) / 10
const escape = (content: string): string =>
  content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
const text = (x: number, y: number, content: string, size: number, fill: string): string =>
  `<text x="${round(x)}" y="${round(y)}" font-size="${size}" fill="${fill}">${escape(content)}</text>`
