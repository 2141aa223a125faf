import t from 'tap'
import { breaks } from '../../src/compatible/stage.ts'
import { CleanInput, CleanOutput, type StageInfo } from '../../src/index.ts'

type Contract = StageInfo['contracts'][number]
const stage = (version: string, ...contracts: Contract[]): StageInfo => ({
  name: 'clean',
  version,
  summary: '',
  contracts,
  columns: { requires: [], produces: [] },
  capabilities: { plan: true, progress: true, idempotency: true },
})
const copy = (schema: object) => JSON.parse(JSON.stringify(schema))
const contract = (major: number, input: object = CleanInput, output: object = CleanOutput): Contract => ({
  major,
  path: `/v${major}/clean`,
  input: copy(input),
  output: copy(output),
})

t.test('a deployment that keeps its contracts breaks nothing', async t => {
  t.strictSame(breaks(stage('1.0.0', contract(1)), stage('1.1.0', contract(1))), [])
  t.strictSame(breaks(stage('1.0.0', contract(1)), stage('2.0.0', contract(1), contract(2, {}, {}))), [])
  const input = copy(CleanInput)
  input.properties.comment = { type: 'string' }
  const output = copy(CleanOutput)
  output.properties.took = { type: 'number' }
  t.strictSame(breaks(stage('1.0.0', contract(1)), stage('1.1.0', contract(1, input, output))), [])
})

t.test('what a new deployment would break is told with its place', async t => {
  const input = copy(CleanInput)
  input.properties.comment = { type: 'string' }
  input.required.push('comment')
  const output = copy(CleanOutput)
  output.properties.dataset = { anyOf: [output.properties.dataset, { type: 'null' }] }
  const found = breaks(stage('1.0.0', contract(1)), stage('1.1.0', contract(1, input, output)))
  t.match(
    found.map(({ rule, where }) => `${rule}: ${where}`),
    ['input-required: clean@1 input /comment', 'output-type: clean@1 output /dataset'],
  )
  t.equal(found.length, 2)
})

t.test('a major that is no longer served is told, and what is served instead', async t => {
  const [finding] = breaks(stage('1.0.0', contract(1)), stage('2.0.0', contract(2)))
  t.match(finding, { level: 'breaking', rule: 'major-removed', where: 'clean@1' })
  t.match(finding?.detail, /serves clean@2/)
})
