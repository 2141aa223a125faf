import { canonicalJson, EvaluateInput, EvaluateOutput, type Evaluation } from '@meshwork/contracts'
import { defineStage } from '@meshwork/kit'
import { checkGates, gateError, judgeGates } from './gates.ts'
import { judgeManyClasses } from './many-class.ts'
import { plan } from './plan.ts'
import { judgeRegression } from './regression.ts'
import { kindOf, metricsOfKind } from './task.ts'
import { judgeTwoClasses } from './two-class.ts'

const judges = {
  'two-classes': judgeTwoClasses,
  'many-classes': judgeManyClasses,
  regression: judgeRegression,
}
const slicesMaxDefault = 50

export const stage = defineStage({
  name: 'evaluate',
  version: '1.0.0',
  summary: 'Judges predictions against what was true, over all rows and by slice, and holds them to bounds.',
  input: EvaluateInput,
  output: EvaluateOutput,
  isolation: 'process',
  plan,
  run: async (input, context) => {
    const tables = await context.tables(input.dataset)
    const dataset = tables.dataset(input.dataset)
    const target = await tables.expression(input.target, 'target', dataset.columns)
    const kind = kindOf(input, target.type)
    const gates = input.gates ?? []
    checkGates(gates, metricsOfKind(kind, input))
    const judge = judges[kind]
    const { judged, ...found } = await judge(
      tables,
      dataset,
      input,
      input.slicesMax ?? slicesMaxDefault,
      (fraction, detail) => context.progress(fraction, detail),
    )
    const { results, broken } = judgeGates(gates, found.metrics, found.slices)
    const evaluation: Evaluation = {
      schema: 'meshwork.evaluation/1',
      task: input.task,
      judged: {
        target: input.target,
        prediction: input.prediction ?? null,
        score: input.score ?? null,
        positive: input.positive ?? null,
        threshold: judged.threshold,
        where: input.where ?? null,
      },
      ...found,
      gates: results,
    }
    const stored = await context.store.put(canonicalJson(evaluation), { signal: context.signal })
    if (broken.length > 0) throw gateError(broken, gates.length, stored.hash)
    context.progress(1, { rows: dataset.rows })
    const artefact = { kind: 'artefact' as const, ...stored, mediaType: 'application/json', name: 'evaluation.json' }
    return { rows: found.rows, metrics: found.metrics, evaluation: artefact, passed: true }
  },
})
