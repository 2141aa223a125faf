import { join } from 'node:path'
import { AggregateInput, AggregateOutput, MeshError } from '@meshwork/contracts'
import { castList, columnsOfSelect, defineStage, type Tables, text } from '@meshwork/kit'
import { grouping, selection } from './grouping.ts'
import { plan } from './plan.ts'

export const stage = defineStage({
  name: 'aggregate',
  version: '1.0.0',
  summary: 'Groups a dataset by columns, expressions and time buckets, and measures each group.',
  input: AggregateInput,
  output: AggregateOutput,
  isolation: 'process',
  plan,
  run: async (input, context) => {
    const tables = await context.tables(input.dataset)
    const dataset = tables.dataset(input.dataset)
    const groups = await grouping(tables, input, dataset.columns)
    const select = groups.select(dataset.from(groups.reads))
    const columns = columnsOfSelect(await tables.session.describe(select))
    const rest = await selection(tables, input, groups.keys, columns)
    context.progress(0.05, { message: 'grouping' })
    // One statement on one lane: sums of floats depend on the order of the rows. Into a file, not a table: as many
    // groups as rows would need twice the memory.
    const file = text(join(context.scratch, 'groups.parquet'))
    await write(tables, `COPY (SELECT ${castList(columns)} FROM (${select})) TO ${file} (FORMAT parquet)`)
    context.progress(0.9, { rows: dataset.rows, message: 'writing' })
    const [counted] = await tables.query(`SELECT count(*) AS n FROM read_parquet(${file})`)
    const result = await tables.create(`SELECT * FROM read_parquet(${file})${rest}`)
    context.progress(1, { rows: dataset.rows })
    return { dataset: result, rows: result.rows, groups: Number(counted?.['n']) }
  },
})

async function write(tables: Tables, statement: string): Promise<void> {
  try {
    await tables.session.run(statement)
  } catch (error) {
    if (
      error instanceof MeshError &&
      error.code === 'MESHWORK_EXPRESSION_FAILED' &&
      /INT128|HUGEINT/.test(error.message)
    )
      throw new MeshError('MESHWORK_AGGREGATE_OVERFLOW', { reason: error.message }, { cause: error })
    throw error
  }
}
