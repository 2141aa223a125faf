// Which of the three kinds of judgement a request asks for, and which metrics it will have.

import { type ColumnType, regressionMetrics } from '@meshwork/contracts'
import { cannot, type Request } from './terms.ts'

export type Kind = 'two-classes' | 'many-classes' | 'regression'

export function kindOf(request: Request, target: ColumnType): Kind {
  if (request.task === 'regression') {
    for (const key of ['score', 'scores', 'positive', 'threshold'] as const)
      if (request[key] !== undefined) throw cannot(`"${key}" is for classification, the task is regression`)
    return 'regression'
  }
  if (request.scores !== undefined) {
    for (const key of ['score', 'positive', 'threshold'] as const)
      if (request[key] !== undefined) throw cannot(`"${key}" is for two classes, "scores" for more`)
    return 'many-classes'
  }
  if (request.threshold !== undefined && request.prediction !== undefined)
    throw cannot('"threshold" makes the prediction from "score", so "prediction" cannot be given too')
  if (request.threshold !== undefined && request.score === undefined) throw cannot('"threshold" needs "score"')
  return target === 'boolean' || request.score !== undefined || request.positive !== undefined
    ? 'two-classes'
    : 'many-classes'
}

export function metricsOfKind(kind: Kind, request: Request): readonly string[] {
  const counted = ['accuracy', 'precision', 'recall', 'f1']
  if (kind === 'regression') return regressionMetrics
  if (kind === 'many-classes') return request.scores === undefined ? counted : [...counted, 'logLoss']
  const scored = request.score === undefined ? [] : ['rocAuc', 'prAuc', 'logLoss', 'brier']
  return [...counted, ...scored, 'baseRate']
}
