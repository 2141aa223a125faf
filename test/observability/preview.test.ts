// Previews: numbers as a reader wants them, and a picture of each kind of panel. Time lapse: only times become shorter.

import t from 'tap'
import type { Board, Panel } from '../../observability/dashboards/board.ts'
import { readable, roundUp } from '../../observability/preview/axis.ts'
import { previewSvg, type Series } from '../../observability/preview/svg.ts'
import { lapse } from './lapse.ts'

t.test('axes end at round numbers', async t => {
  for (const [value, top] of [
    [0, 1],
    [0.0013, 0.002],
    [7, 10],
    [20, 20],
    [21, 50],
  ] as const)
    t.ok(Math.abs(roundUp(value) - top) < 1e-9, `${value} → ${roundUp(value)}`)
})

t.test('numbers have units', async t => {
  for (const [value, unit, text] of [
    [0.25, 'percentunit', '25 %'],
    [0.004, 's', '4 ms'],
    [90, 's', '90 s'],
    [7200, 's', '2 h'],
    [1536, 'bytes', '1.5 KiB'],
    [0, 'bytes', '0 B'],
    [12_500, 'rowsps', '12.5 k/s'],
    [3, 'short', '3'],
  ] as const)
    t.equal(readable(value, unit), text)
})

const panel = (kind: NonNullable<Panel['kind']>, title: string): Panel => ({
  title,
  description: 'A panel.',
  kind,
  unit: 's',
  queries: [],
})
const series = (name: string, values: readonly number[]): Series => ({
  name,
  points: values.map((value, at) => [at, value]),
})

t.test('a board is drawn with its panels, and what has no data says so', async t => {
  const drawn = [
    panel('lines', 'Lines'),
    panel('table', 'Table'),
    panel('heatmap', 'Heat'),
    panel('lines', 'Nothing <&>'),
  ]
  const board: Board = {
    uid: 'b',
    title: 'Board',
    description: 'All.',
    variables: [],
    rows: [{ title: 'Row', panels: drawn }],
  }
  const data: Record<string, readonly Series[]> = {
    Lines: [series('one', [0, 1, 2])],
    Table: [series('clean', [4])],
    Heat: [series('0.1', [0, 1, 1]), series('+Inf', [0, 1, 5])],
    'Nothing <&>': [series('none', [Number.NaN])],
  }
  const svg = previewSvg(board, ({ title }) => data[title] ?? [])
  t.match(svg, /<path d="M[\d.]+ [\d.]+L[\d.]+ [\d.]+L[\d.]+ [\d.]+" fill="none"/)
  t.match(svg, />clean<.*>4 s</s)
  t.match(svg, /fill="#ff9830" opacity="1.00"/, 'most is brightest')
  t.match(svg, />Nothing &lt;&amp;&gt;</)
  t.equal(svg.match(/No data/g)?.length, 1)
  t.notMatch(svg, /NaN|undefined|Infinity/)
})

t.test('in time lapse windows, waits and intervals are shorter, and limits are what they are', async t => {
  const rules = `groups:
  - name: g
    interval: 5m
    rules:
      - { alert: A, expr: 'increase(a[1h]) > 300 unless a offset 10m or max_over_time(b[10m:1m]) > 60', for: 2m }
`
  const short = lapse(rules)
  t.match(short, 'increase(a[180s]) > 300 unless a offset 30s or max_over_time(b[30s:3s]) > 60')
  t.match(short, 'for: 6s')
  t.match(short, 'interval: 15s')
  t.throws(() => lapse(rules.replace('2m', '1w')), /no duration/)
})
