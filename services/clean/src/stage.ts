import { CleanInput, CleanOutput } from '@meshwork/contracts'
import { defineStage } from '@meshwork/kit'
import { applyRule } from './clean-rules.ts'
import { passesOf } from './passes.ts'
import { plan } from './plan.ts'
import { TableState } from './table-state.ts'

export const stage = defineStage({
  name: 'clean',
  version: '1.0.0',
  summary: 'Drops, fills, casts, limits and deduplicates rows by rules that run in order, and counts what each did.',
  input: CleanInput,
  output: CleanOutput,
  isolation: 'process',
  plan,
  run: async ({ dataset, rules }, context) => {
    const tables = await context.tables(dataset)
    const expected = Math.max(1, passesOf(rules) * dataset.rows)
    let done = 0
    const passed = (rows: number, message: string) => {
      done += rows
      context.progress(Math.min(0.99, done / expected), { rows: Math.min(done, dataset.rows), message })
    }
    const state = new TableState(tables, dataset, passed)
    const work = async () => {
      for (const [index, rule] of rules.entries()) {
        context.signal.throwIfAborted()
        await applyRule(state, rule, index, passed)
      }
      return await state.write()
    }
    const result = await work().catch(async (error: unknown) => {
      throw await state.nameGuilty(error)
    })
    context.progress(1, { rows: dataset.rows })
    return { dataset: result, rows: result.rows, rules: state.reports }
  },
})
