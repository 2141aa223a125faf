import { IngestInput, IngestOutput } from '@meshwork/contracts'
import { defineStage } from '@meshwork/kit'
import { plan } from './plan.ts'
import { ingest } from './run.ts'
import { readSettings } from './settings.ts'
import { uploadRoute } from './upload.ts'

export const stage = defineStage({
  name: 'ingest',
  version: '1.0.0',
  summary: 'Turns a CSV, JSON, NDJSON or Parquet file from an upload or a URL into a dataset.',
  input: IngestInput,
  output: IngestOutput,
  isolation: 'process',
  plan,
  run: async (input, context) => await ingest(input, context, readSettings(process.env)),
  start: async service => void readSettings(service.environment),
  routes: uploadRoute,
})
