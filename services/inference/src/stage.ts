import { fileURLToPath } from 'node:url'
import { InferenceInput, InferenceOutput } from '@meshwork/contracts'
import { defineStage, readResources, type ServiceContext } from '@meshwork/kit'
import { createInferenceMetrics } from './metrics.ts'
import { Models } from './model/models.ts'
import { ModelRepository } from './repository/repository.ts'
import { SessionPool } from './session/pool.ts'
import { plan } from './plan.ts'
import { predict } from './table/predict.ts'

const modelsFolder = fileURLToPath(new URL('../../../models/', import.meta.url))

/** The stage over a folder of models; MESHWORK_MODELS_DIR says another one where it runs as a service. */
export function inferenceStage(folder = modelsFolder) {
  let models: Models | undefined
  let pool: SessionPool | undefined
  const open = (service?: ServiceContext): Models => {
    pool = new SessionPool((service?.resources ?? readResources()).cpus)
    models = new Models({
      repository: new ModelRepository(service?.environment['MESHWORK_MODELS_DIR'] ?? folder),
      pool,
      metrics: createInferenceMetrics(service?.registry),
    })
    return models
  }
  return defineStage({
    name: 'inference',
    version: '1.0.0',
    summary: 'Runs an ONNX model over the rows of a dataset and puts its outputs beside them as new columns.',
    input: InferenceInput,
    output: InferenceOutput,
    isolation: 'inline',
    plan: async (input, context) => await plan(input, models ?? open(), context),
    start: async service => {
      open(service)
      pool?.warm()
      return async () => await pool?.close()
    },
    run: async (input, context) => {
      const opened = models ?? open()
      return await opened.use(input.model, input.version, async model => {
        const tables = await context.tables(input.dataset)
        const { dataset, columns } = await predict(model, opened.workers, input, tables, context)
        context.progress(1, { rows: dataset.rows })
        const { name, version, sha256 } = model
        return { dataset, rows: dataset.rows, model: { name, version, sha256 }, columns }
      })
    },
  })
}

export const stage = inferenceStage()
