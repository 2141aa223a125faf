// The schema that editors check workflow files with: it takes what is right, and points at what is not.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import t from 'tap'
import { parse } from 'yaml'
import { repository } from '../launcher/src/mesh.ts'

const schema = JSON.parse(readFileSync(join(repository, 'docs', 'workflow.schema.json'), 'utf8')) as object
const valid = new Ajv({ strict: false, allErrors: true, formats: { 'date-time': true } }).compile(schema)
const folder = join(repository, 'workflows')

for (const file of readdirSync(folder).filter(name => name.endsWith('.yaml')))
  t.test(`${file} is right`, async t => {
    t.ok(valid(parse(readFileSync(join(folder, file), 'utf8'))), JSON.stringify(valid.errors?.slice(0, 3)))
  })

const step = (input: object, stage = 'clean@1') => ({ name: 'w', steps: { a: { stage, with: input } } })
const dataset = '${steps.b.dataset}'

for (const [title, document, right] of [
  ['an expression where a dataset goes', step({ dataset, rules: [{ rule: 'dropNulls' }] }), true],
  ['an expression for a whole list', step({ dataset, rules: '${params.rules}' }), true],
  [
    'an expression deep inside',
    step({ dataset, rules: [{ rule: 'clip', columns: ['x'], min: '${params.min}' }] }),
    true,
  ],
  ['a stage of somebody else', step({ whatever: 1 }, 'sentiment@1'), true],
  ['an unknown input', step({ dataset, rule: [] }), false],
  ['an unknown rule', step({ dataset, rules: [{ rule: 'dropNull' }] }), false],
  ['a number that is none', step({ dataset, rules: [{ rule: 'clip', columns: ['x'], min: 'low' }] }), false],
  ['an unknown key of a step', { name: 'w', steps: { a: { stage: 'clean@1', wiht: {} } } }, false],
] as const)
  t.test(`${title} is ${right ? 'taken' : 'refused'}`, async t => {
    t.equal(valid(structuredClone(document)), right, JSON.stringify(valid.errors?.slice(0, 3)))
  })
