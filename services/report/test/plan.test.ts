import type { Chart, ReportInput, ReportSection } from '@meshwork/contracts'
import {
  comparePlan,
  directCalls,
  planned,
  plannedArtefact,
  seeded,
  shownPlan,
  unknownValue,
} from '@meshwork/kit/testing'
import t from 'tap'
import { stage } from '../src/stage.ts'

const table = planned('origin string, flights int64, late float64, date date')

t.test('every fault at its place', async t => {
  const calls = await directCalls(t)
  const cases: [title: string, sections: object[], findings: string[]][] = [
    [
      'nothing',
      [
        {
          title: 'a',
          dataset: table,
          columns: ['origin'],
          where: 'flights > 1',
          orderBy: [{ column: 'late' }],
          charts: [
            { type: 'bar', x: 'origin', y: ['late'] },
            { type: 'histogram', x: 'late' },
          ],
        },
        { title: 'b', evaluation: plannedArtefact },
      ],
      [],
    ],
    [
      'several at once',
      [
        { title: 'a', columns: ['origin'] },
        {
          title: 'b',
          dataset: table,
          columns: ['origin', 'orign'],
          where: 'flights',
          orderBy: [{ column: 'late' }, { column: 'latter' }],
          charts: [
            { type: 'bar', x: 'origin', y: ['late', 'origin'] },
            { type: 'bar', x: 'origin' },
            { type: 'scatter', x: 'origin', y: ['late'] },
            { type: 'histogram', x: 'lat' },
          ],
        },
      ],
      [
        'error /sections/0 MESHWORK_REPORT_SECTION',
        'error /sections/1/where MESHWORK_EXPRESSION_INVALID',
        'error /sections/1/columns/1 MESHWORK_COLUMN_MISSING',
        'error /sections/1/orderBy/1/column MESHWORK_COLUMN_MISSING',
        'error /sections/1/charts/0 MESHWORK_REPORT_SECTION',
        'error /sections/1/charts/1 MESHWORK_REPORT_SECTION',
        'error /sections/1/charts/2 MESHWORK_REPORT_SECTION',
        'error /sections/1/charts/3 MESHWORK_COLUMN_MISSING',
      ],
    ],
    [
      'an open dataset',
      [{ title: 'a', dataset: planned('id int64, …'), columns: ['id', 'late'] }],
      ['warning /sections/0/columns/1 MESHWORK_COLUMN_MISSING'],
    ],
    ['unknown values', [{ title: 'a', dataset: table, where: unknownValue, charts: unknownValue }], []],
  ]
  for (const [title, sections, findings] of cases)
    t.strictSame(shownPlan(await calls.plan(stage, { title: 'r', sections })), { findings }, title)
})

t.test('generated sections: the plan and the call agree', async t => {
  const calls = await directCalls(t)
  const dataset = await calls.table(
    `SELECT 'w' || i AS origin, i AS flights, i / 7.0::DOUBLE AS late, DATE '2001-01-01' AS date, i > 2 AS ok FROM range(9) AS t(i)`,
  )
  const { next, pick } = seeded(17)
  const name = () => pick(['origin', 'flights', 'flights', 'late', 'late', 'date', 'ok', 'none'])
  const maybe = <T extends object>(share: number, value: T): Partial<T> => (next() < share ? value : {})
  const chart = (): Chart => ({
    type: pick(['bar', 'line', 'scatter', 'histogram']),
    x: name(),
    ...maybe(0.7, { y: [name()] }),
  })
  const seen = { done: 0, refused: 0 }
  for (let i = 0; i < 80; i++) {
    const section: ReportSection = {
      title: 'a',
      ...maybe(0.9, { dataset }),
      ...maybe(0.3, { columns: [name()] }),
      ...maybe(0.3, { where: pick(['flights > 3', 'ok', 'late', 'none = 1']) }),
      ...maybe(0.3, { orderBy: [{ column: name() }] }),
      ...maybe(0.5, { charts: [chart()] }),
    }
    const input: ReportInput = { title: 'r', sections: [section] }
    const { run, fault } = await comparePlan(calls, stage, input, new Set())
    seen[run]++
    t.equal(fault, undefined, JSON.stringify({ ...section, dataset: section.dataset && 'given' }))
  }
  t.ok(seen.done > 15 && seen.refused > 15, `both happen: ${JSON.stringify(seen)}`)
})
