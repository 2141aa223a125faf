// Settings of the protocol's face, read once when the service starts.

import { readConfig } from '@meshwork/kit'
import Type from 'typebox'
import type { MonitorSettings } from '../drift/monitor.ts'
import type { QualitySettings } from '../quality/monitor.ts'

export const ServingConfig = Type.Object({
  MESHWORK_INFERENCE_CONTROL: Type.Unsafe<'poll' | 'explicit'>({
    type: 'string',
    enum: ['poll', 'explicit'],
    default: 'poll',
    description: 'poll serves what lies in the folder of models; explicit only what is asked for.',
  }),
  MESHWORK_INFERENCE_POLL_MS: Type.Integer({ minimum: 50, maximum: 86_400_000, default: 5000 }),
  MESHWORK_INFERENCE_VERSIONS: Type.Integer({
    minimum: 1,
    maximum: 16,
    default: 1,
    description: 'Versions of a model that are served, the newest ones.',
  }),
  MESHWORK_INFERENCE_BODY_BYTES: Type.Integer({ minimum: 1024, maximum: 1_073_741_824, default: 67_108_864 }),
  MESHWORK_INFERENCE_IN_FLIGHT_BYTES: Type.Integer({
    minimum: 1024,
    maximum: 68_719_476_736,
    default: 536_870_912,
    description: 'Bytes of the bodies that are read or answered at a time.',
  }),
  MESHWORK_INFERENCE_BATCH_ROWS: Type.Integer({ minimum: 1, maximum: 4096, default: 256 }),
  MESHWORK_INFERENCE_QUEUE_ROWS: Type.Integer({ minimum: 1, maximum: 1_000_000, default: 8192 }),
  MESHWORK_INFERENCE_QUEUE_BYTES: Type.Integer({ minimum: 1024, maximum: 4_294_967_296, default: 134_217_728 }),
  MESHWORK_INFERENCE_TIMEOUT_MS: Type.Integer({ minimum: 1, maximum: 3_600_000, default: 30_000 }),
  MESHWORK_INFERENCE_MODELS_BYTES: Type.Integer({
    minimum: 1024,
    maximum: 1_099_511_627_776,
    default: 2_147_483_648,
    description: 'Bytes of the files of all models that are served, counted once for each worker.',
  }),
  MESHWORK_INFERENCE_MODELS_FULL: Type.Unsafe<'refuse' | 'unload'>({
    type: 'string',
    enum: ['refuse', 'unload'],
    default: 'refuse',
    description:
      'What becomes of a model for which there is no room: it is not served, or those that were used least recently are unloaded until they are asked for again.',
  }),
  MESHWORK_INFERENCE_INLINE_US: Type.Integer({
    minimum: 0,
    maximum: 10_000,
    default: 250,
    description:
      'Microseconds that a run may take to be made on the thread of HTTP, which saves small models the way to a worker; 0 makes none there.',
  }),
  MESHWORK_INFERENCE_DRIFT_ROWS: Type.Integer({
    minimum: 200,
    maximum: 10_000_000,
    default: 5000,
    description: 'Rows after which a window of drift is closed.',
  }),
  MESHWORK_INFERENCE_DRIFT_SECONDS: Type.Integer({
    minimum: 1,
    maximum: 2_592_000,
    default: 3600,
    description: 'Seconds after which a window of drift is closed that has fewer rows.',
  }),
  MESHWORK_INFERENCE_DRIFT_ROWS_PER_SECOND: Type.Integer({
    minimum: 1,
    maximum: 1_000_000,
    default: 1000,
    description: 'Rows of each model that are looked at for drift; of more, some are chosen evenly.',
  }),
  MESHWORK_INFERENCE_QUALITY_LABELS: Type.Integer({
    minimum: 1,
    maximum: 10_000_000,
    default: 1000,
    description: 'Labels after which a window of quality is closed.',
  }),
  MESHWORK_INFERENCE_QUALITY_SECONDS: Type.Integer({
    minimum: 1,
    maximum: 31_536_000,
    default: 86_400,
    description: 'Seconds after which a window of quality is closed that has fewer labels.',
  }),
  MESHWORK_INFERENCE_REMEMBER_BYTES: Type.Integer({
    minimum: 0,
    maximum: 17_179_869_184,
    default: 67_108_864,
    description: 'Memory for predictions that wait for a label, of requests that have an id; 0 remembers none.',
  }),
})

export interface ServingLimits {
  readonly control: 'poll' | 'explicit'
  readonly pollMs: number
  readonly versionsMax: number
  readonly bodyBytesMax: number
  readonly inFlightBytesMax: number
  readonly batchRowsMax: number
  readonly queueRowsMax: number
  readonly queueBytesMax: number
  readonly timeoutMs: number
  readonly modelBytesMax: number
  readonly modelsFull: 'refuse' | 'unload'
  readonly inlineSecondsMax: number
  readonly drift: MonitorSettings
  readonly quality: QualitySettings & { readonly rememberBytes: number }
}

/** Throws a ConfigError that names every wrong key of its own. */
export function readServing(environment: Readonly<Record<string, string | undefined>>): ServingLimits {
  const config = readConfig(ServingConfig, environment, [/^(?!MESHWORK_INFERENCE_)/])
  return {
    control: config.MESHWORK_INFERENCE_CONTROL,
    pollMs: config.MESHWORK_INFERENCE_POLL_MS,
    versionsMax: config.MESHWORK_INFERENCE_VERSIONS,
    bodyBytesMax: config.MESHWORK_INFERENCE_BODY_BYTES,
    inFlightBytesMax: config.MESHWORK_INFERENCE_IN_FLIGHT_BYTES,
    batchRowsMax: config.MESHWORK_INFERENCE_BATCH_ROWS,
    queueRowsMax: config.MESHWORK_INFERENCE_QUEUE_ROWS,
    queueBytesMax: config.MESHWORK_INFERENCE_QUEUE_BYTES,
    timeoutMs: config.MESHWORK_INFERENCE_TIMEOUT_MS,
    modelBytesMax: config.MESHWORK_INFERENCE_MODELS_BYTES,
    modelsFull: config.MESHWORK_INFERENCE_MODELS_FULL,
    inlineSecondsMax: config.MESHWORK_INFERENCE_INLINE_US / 1e6,
    drift: {
      rowsPerSecond: config.MESHWORK_INFERENCE_DRIFT_ROWS_PER_SECOND,
      windowRows: config.MESHWORK_INFERENCE_DRIFT_ROWS,
      windowMs: config.MESHWORK_INFERENCE_DRIFT_SECONDS * 1000,
    },
    quality: {
      windowLabels: config.MESHWORK_INFERENCE_QUALITY_LABELS,
      windowMs: config.MESHWORK_INFERENCE_QUALITY_SECONDS * 1000,
      rememberBytes: config.MESHWORK_INFERENCE_REMEMBER_BYTES,
    },
  }
}
