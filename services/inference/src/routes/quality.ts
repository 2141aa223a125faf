// Labels that arrive later, and what they say of a model.

import { compile, type ModelLabel, ModelLabels } from '@meshwork/contracts'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { badRequest, OipFault } from '../oip/fault.ts'
import { readObject } from '../oip/read-json.ts'
import type { Watched } from '../quality/book.ts'
import type { QualityMonitor, QualityWindow } from '../quality/monitor.ts'
import { type QualityTask, readLabel } from '../quality/task.ts'
import { namesVersion, served } from './models.ts'
import type { OipParts } from './oip-routes.ts'
import { LabelsTaken, ModelQualityView, OipError } from './schemas.ts'

type Monitored = Watched & { readonly monitor: QualityMonitor }

/** A label that was read, for a row of a request or for a prediction; `monitor` is undefined where nobody knows the request. */
type Reading = { readonly monitor: QualityMonitor | undefined; readonly label: number } & (
  | { readonly id: string; readonly row: number }
  | { readonly prediction: readonly number[] }
)

const bodyBytesMax = 8_388_608
const unmatchedShownMax = 20

export function useQualityRoutes(app: FastifyInstance, { models }: OipParts): void {
  const tags = ['inference protocol']
  for (const [path, suffix] of [
    ['/models/:model', ''],
    ['/models/:model/versions/:version', 'Version'],
  ] as const) {
    app.post(
      `${path}/labels`,
      {
        bodyLimit: bodyBytesMax,
        schema: {
          operationId: `modelLabels${suffix}`,
          tags,
          summary: 'Tell a model what came true',
          description:
            'By the `id` and row of a request that this replica has answered and not forgotten, whichever version it was, or with the prediction itself, which any replica takes. All labels count or, where one is wrong, none.',
          body: ModelLabels,
          response: { 200: LabelsTaken, default: OipError },
        },
      },
      async request => take(read(request), monitored(request, models)),
    )
    app.get(
      `${path}/quality`,
      {
        schema: {
          operationId: `modelQuality${suffix}`,
          tags,
          summary: 'How good a model is by the labels that came',
          response: { 200: ModelQualityView, default: OipError },
        },
      },
      async request => view(monitored(request, models)[0]),
    )
  }
}

/** The version that is asked for; without one that which speaks for the model, and behind it the others that are remembered. */
function monitored(request: FastifyRequest, models: OipParts['models']): [Monitored, ...Monitored[]] {
  const { model, version } = request.params as { model: string; version?: string }
  const { quality } = models()
  const gone = version === undefined ? undefined : quality.find(model, version)
  const first = gone ?? quality.find(model, served(request, models).version)
  if (!first) throw new OipFault(404, `model '${model.slice(0, 100)}' is not watched`)
  const { monitor } = first
  if (typeof monitor === 'string')
    throw new OipFault(
      404,
      `version ${first.version} of model '${model}' has no prediction that labels could be compared with: ${monitor}`,
    )
  const others = namesVersion(request)
    ? []
    : quality.versionsOf(model).filter((one): one is Monitored => one !== first && typeof one.monitor !== 'string')
  return [{ ...first, monitor }, ...others]
}

function read(request: FastifyRequest): readonly ModelLabel[] {
  const body = readObject(((request.body as Buffer | null) ?? Buffer.alloc(0)).toString('utf8'), 'the request')
  const [fault] = compile(ModelLabels).check(body ?? {})
  if (fault) throw badRequest(`${placeOf(fault.pointer)}${fault.detail}`)
  return (body as ModelLabels).labels
}

const placeOf = (pointer: string): string =>
  pointer === ''
    ? 'the request '
    : `${pointer
        .slice(1)
        .replaceAll(/\/(\d+)/g, '[$1]')
        .replaceAll('/', '.')} `

/** All labels are read before any is counted: one that is wrong leaves nothing behind. */
function take(labels: readonly ModelLabel[], watched: readonly [Monitored, ...Monitored[]]) {
  const [{ model, version, monitor: first }] = watched
  const readings = labels.map((label, i) => readingOf(label, `labels[${i}]`, watched))
  const counts = { matched: 0, repeated: 0, unmatched: 0 }
  const unmatched: { id: string; row: number }[] = []
  for (const { monitor, label, ...of } of readings) {
    const result =
      'prediction' in of ? first.add(of.prediction, 0, label) : (monitor?.label(of.id, of.row, label) ?? 'unmatched')
    counts[result]++
    if (result !== 'unmatched' || 'prediction' in of) continue
    first.counts.unmatched++
    if (unmatched.length < unmatchedShownMax) unmatched.push(of)
  }
  return { model_name: model, model_version: version, ...counts, unmatched_first: unmatched }
}

function readingOf(told: ModelLabel, at: string, watched: readonly [Monitored, ...Monitored[]]): Reading {
  const [{ monitor: first }] = watched
  if ('prediction' in told) {
    const { task } = first
    const prediction = Array.isArray(told.prediction) ? told.prediction : [told.prediction]
    if (prediction.length === task.width) return { monitor: first, prediction, label: checked(task, told.label, at) }
    throw badRequest(
      `${at}.prediction has ${prediction.length} numbers, and output '${task.output}' has ${task.width} for each row`,
    )
  }
  const { id, row = 0 } = told
  const monitor = watched.find(one => one.monitor.knows(id, row))?.monitor
  return { monitor, id, row, label: checked((monitor ?? first).task, told.label, at) }
}

function checked(task: QualityTask, label: ModelLabel['label'], at: string): number {
  const value = readLabel(task, label)
  if (typeof value === 'string') throw badRequest(`${at}.label ${value}`)
  return value
}

function view({ model, version, trained, monitor }: Monitored) {
  const { open, closed } = monitor.view()
  const { task, settings } = monitor
  return {
    model_name: model,
    model_version: version,
    task: task.kind,
    output: task.output,
    classes: [...task.classes],
    ...(task.kind === 'binary' ? { threshold: task.threshold } : {}),
    settings: { window_labels: settings.windowLabels, window_seconds: settings.windowMs / 1000 },
    labels: { ...monitor.counts },
    all: told(monitor.all.measures()),
    open: windowOf(open),
    last: closed[0] ? windowOf(closed[0]) : null,
    history: closed.map(windowOf),
    trained: trained ?? null,
  }
}

const told = ({ labels, unusable, values, interval }: Omit<QualityWindow, 'from' | 'to'>) => ({
  labels,
  unusable,
  values,
  interval,
})
const windowOf = (window: QualityWindow) => ({
  from: new Date(window.from).toISOString(),
  to: new Date(window.to).toISOString(),
  ...told(window),
})
