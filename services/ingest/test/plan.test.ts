import type { ArtefactRef, IngestInput } from '@meshwork/contracts'
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

const schema = [
  { name: 'id', type: 'int64' },
  { name: 'word', type: 'string' },
]
const url = 'http://192.0.2.1/never-fetched.csv'

t.test('the columns of the dataset, and every fault at its place', async t => {
  const calls = await directCalls(t)
  const cases: [title: string, request: object, columns: string | undefined, findings: string[]][] = [
    ['a declared schema, of what is not fetched', { source: url, schema }, 'id int64, word string', []],
    ['and those that are kept', { source: url, schema, columns: ['word'] }, 'word string', []],
    ['a URL without a schema is not fetched', { source: url }, '…', []],
    ['nor a source that is not known', { source: unknownValue }, '…', []],
    ['nor a file that is not made yet', { source: plannedArtefact }, '…', []],
    [
      'columns that the schema has not',
      { source: url, schema, columns: ['idd', 'word', 'wrd'] },
      undefined,
      ['error /columns/0 MESHWORK_COLUMN_MISSING', 'error /columns/2 MESHWORK_COLUMN_MISSING'],
    ],
    [
      'a column twice',
      { source: url, schema: [...schema, { name: 'ID', type: 'date' }] },
      undefined,
      ['error /schema MESHWORK_COLUMN_EXISTS'],
    ],
    ['a dataset', { source: planned('id int64, day date'), columns: ['day'] }, 'day date', []],
    [
      'a dataset with other columns',
      { source: planned('id int64, day date'), columns: ['dy'] },
      undefined,
      ['error /columns/0 MESHWORK_COLUMN_MISSING'],
    ],
    ['a schema that is not known', { source: url, schema: unknownValue }, undefined, []],
    ['a body that does not fit', { source: 'ftp://x', schema }, undefined, ['error /source MESHWORK_REQUEST_INVALID']],
  ]
  for (const [title, request, columns, findings] of cases) {
    const found = shownPlan(await calls.plan(stage, request))
    t.strictSame(found.findings, findings, title)
    t.equal(found['/dataset'], columns, `${title}: columns`)
  }
})

const ofData = new Set(['MESHWORK_INGEST_REJECTS'])

t.test('uploads: the plan and the call agree', async t => {
  const calls = await directCalls(t)
  const upload = async (content: string): Promise<ArtefactRef> => ({
    kind: 'artefact',
    mediaType: 'application/octet-stream',
    ...(await calls.store.put(content)),
  })
  const sources = [
    await upload('id,word,day\n1,a,2001-01-01\n2,b,2001-01-02\n'),
    await upload('{"id":1,"word":"x"}\n{"id":2.5,"word":"y"}\n'),
    await upload('[{"id":true},{"id":false}]'),
    await calls.table(`SELECT 1 AS id, 'x' AS word, DATE '2001-01-01' AS day`),
  ]
  const { next, pick } = seeded(29)
  const seen = { done: 0, refused: 0 }
  for (let i = 0; i < 60; i++) {
    const type = () => pick(['int64', 'float64', 'string', 'date'] as const)
    const input: IngestInput = {
      source: pick(sources),
      maxRejects: 10,
      ...(next() < 0.5
        ? {
            schema: [
              { name: pick(['id', 'id', 'di']), type: type() },
              { name: pick(['word', 'ID']), type: type() },
            ],
          }
        : {}),
      ...(next() < 0.4 ? { columns: [pick(['id', 'word', 'none'])] } : {}),
    }
    const { run, fault } = await comparePlan(calls, stage, input, ofData)
    seen[run]++
    t.equal(fault, undefined, JSON.stringify(input))
  }
  t.ok(seen.done > 8 && seen.refused > 8, `both happen: ${JSON.stringify(seen)}`)
})
