// The folder of a new stage: one that works, to be changed. Pure.

const camel = (name: string): string => name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())

export function filesOf(name: string): Readonly<Record<string, string>> {
  const test = camel(name)
  return {
    'package.json': `${JSON.stringify(
      {
        name: `@meshwork/${name}`,
        version: '0.1.0',
        private: true,
        license: 'Apache-2.0',
        type: 'module',
        exports: { '.': './src/stage.ts' },
        dependencies: { '@meshwork/contracts': 'workspace:*', '@meshwork/kit': 'workspace:*', typebox: 'catalog:' },
      },
      null,
      2,
    )}\n`,
    'README.md': `# ${name}

Multiplies a column of a dataset: \`{ "dataset": …, "column": "distance", "factor": 1.609, "as": "kilometres" }\`. The answer is the dataset with the new column, and its rows.

\`\`\`sh
npm run -s stage -- ${name} --in models/seed/input.csv --with params.json --out out.csv
\`\`\`

How a stage is written: [write a stage](../../docs/write-a-stage.md).
`,
    'src/main.ts': `import { serveStage } from '@meshwork/kit'
import { stage } from './stage.ts'

await serveStage(stage, { module: new URL('./stage.ts', import.meta.url) })
`,
    'src/stage.ts': `import { type Column, ColumnName, DatasetRef, MeshError } from '@meshwork/contracts'
import { columnMissing, defineStage, ident, isNumeric } from '@meshwork/kit'
import Type from 'typebox'

const Input = Type.Object(
  {
    dataset: DatasetRef,
    column: ColumnName,
    factor: Type.Number({ description: 'What each value is multiplied by.' }),
    as: ColumnName,
  },
  { title: '${test.charAt(0).toUpperCase()}${test.slice(1)}Input', additionalProperties: false },
)
const Output = Type.Object(
  { dataset: DatasetRef, rows: Type.Integer({ minimum: 0 }) },
  { title: '${test.charAt(0).toUpperCase()}${test.slice(1)}Output', additionalProperties: false },
)

export const stage = defineStage({
  name: '${name}',
  version: '1.0.0',
  summary: 'Multiplies a column of a dataset.',
  input: Input,
  output: Output,
  run: async ({ dataset: ref, column, factor, as }, context) => {
    const tables = await context.tables(ref)
    const dataset = tables.dataset(ref)
    requireNumber(column, dataset.columns)
    const result = await tables.addColumns(
      dataset,
      part => \`SELECT (\${ident(column)} * \${factor})::DOUBLE AS \${ident(as)} FROM \${part.from([column])}\`,
    )
    return { dataset: result, rows: result.rows }
  },
  plan: async ({ dataset, column, as }, context) => {
    if (context.knows(column)) await context.at('/column', dataset, () => requireNumber(column, dataset.columns))
    if (!context.knows(as)) return {}
    return { '/dataset': context.dataset([...dataset.columns, { name: as, type: 'float64' }], dataset) }
  },
})

function requireNumber(column: string, columns: readonly Column[]): void {
  const found = columns.find(({ name }) => name === column)
  if (!found) throw columnMissing('"column"', column, columns)
  if (!isNumeric(found.type))
    throw new MeshError('MESHWORK_COLUMN_TYPE', { where: '"column"', column, expected: 'a number', actual: found.type })
}
`,
    [`test/${name}.test.ts`]: `import { directCalls } from '@meshwork/kit/testing'
import t from 'tap'
import { stage } from '../src/stage.ts'

t.test('a column is multiplied', async t => {
  const calls = await directCalls(t)
  const dataset = await calls.table('SELECT range AS n FROM range(3)')
  const answer = await calls.call(stage, { dataset, column: 'n', factor: 2.5, as: 'more' })
  t.equal(answer.rows, 3)
  t.same(
    (await calls.rows(answer.dataset)).map(row => row['more']),
    [0, 2.5, 5],
  )
})

t.test('a column that is not there, or is no number, is told', async t => {
  const calls = await directCalls(t)
  const dataset = await calls.table("SELECT 1 AS count, 'a' AS name")
  const call = async (column: string) => await calls.call(stage, { dataset, column, factor: 2, as: 'more' })
  await t.rejects(call('coumt'), { code: 'MESHWORK_COLUMN_MISSING', message: /count/ })
  await t.rejects(call('name'), { code: 'MESHWORK_COLUMN_TYPE', message: /string/ })
})
`,
  }
}
