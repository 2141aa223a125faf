import Type, { type TProperties } from 'typebox'
import { storeUrlPattern } from '../data/open.ts'
import type { LogFormat } from '../telemetry/log.ts'
import { traceSettings } from '../telemetry/traces.ts'

/** Settings of every service of the mesh. */
export const serviceSettings = {
  MESHWORK_HOST: Type.String({ default: '127.0.0.1', description: 'Address to listen on.' }),
  MESHWORK_PORT: Type.Integer({
    minimum: 0,
    maximum: 65535,
    default: 0,
    description: 'Port to listen on; 0 takes a free one.',
  }),
  MESHWORK_LOG_LEVEL: Type.Unsafe<'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'>({
    type: 'string',
    enum: ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
    default: 'info',
  }),
  MESHWORK_LOG_FORMAT: Type.Unsafe<LogFormat>({
    type: 'string',
    enum: ['json', 'ecs'],
    default: 'json',
    description: 'How lines are written: ours, or the Elastic Common Schema.',
  }),
  MESHWORK_DRAIN_TIMEOUT_MS: Type.Integer({
    minimum: 0,
    maximum: 3_600_000,
    default: 25_000,
    description: 'Milliseconds that calls in progress may take to finish after SIGTERM.',
  }),
  ...traceSettings,
} satisfies TProperties

/** Settings of every stage. */
export const StageConfig = Type.Object({
  ...serviceSettings,
  MESHWORK_STORE_URL: Type.String({
    pattern: storeUrlPattern,
    description: 'URL of the artefact store: file:///folder or s3://bucket/prefix?endpoint=….',
  }),
  MESHWORK_STAGE_CONCURRENCY: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 256, description: 'Calls in progress at a time; the cores by default.' }),
  ),
  MESHWORK_STAGE_QUEUE: Type.Integer({
    minimum: 0,
    maximum: 100_000,
    default: 64,
    description: 'Calls that may wait for a place.',
  }),
  MESHWORK_BODY_LIMIT_BYTES: Type.Integer({ minimum: 1024, maximum: 67_108_864, default: 1_048_576 }),
  MESHWORK_WORKER_MEMORY_BYTES: Type.Optional(
    Type.Integer({ minimum: 67_108_864, description: 'Memory of a worker process; over it the call is stopped.' }),
  ),
})

/** Names in the environment that belong to other services or to one stage: one environment may serve them all. */
export const foreignSettings: readonly RegExp[] = [
  /^MESHWORK_(INGEST|CLEAN|FEATURES|INFERENCE|POSTPROCESS|AGGREGATE|EVALUATE|REPORT)_/,
  /^MESHWORK_MODELS_DIR$/,
]
