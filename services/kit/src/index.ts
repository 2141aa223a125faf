// What stages, the orchestrator and the gateway use of the kit.

export {
  castList,
  columnsOfSelect,
  columnTypeOf,
  duckType,
  isInteger,
  isNumeric,
  isTemporal,
} from './data/column-type.ts'
export { Dataset, emptySource, type PartSource } from './data/dataset.ts'
export { duckFailure, readDuckFailure } from './data/duck-failure.ts'
export { type CheckedExpression, columnMissing } from './data/expression/check.ts'
export type { ColumnValues } from './data/feed.ts'
export { checkCondition } from './data/expression/condition.ts'
export { readManifest } from './data/manifest.ts'
export { systemHint } from './data/system-hint.ts'
export { watchStore } from './server/watch-store.ts'
export { makeFolder } from './data/make-folder.ts'
export { type LocalStore, openStore, storeUrlPattern } from './data/open.ts'
export { type Resources, readResources } from './data/resources.ts'
export { type Row, Session } from './data/session.ts'
export { ident, identList, literal, text } from './data/sql.ts'
export type { ArtefactStore, ListedArtefact, RecordStore, StoredArtefact } from './data/store.ts'
export { type OpenTables, openTables, partRowsDefault, Tables } from './data/tables.ts'
export { columnsOfFeature } from './features/columns-of-feature.ts'
export { type Feature, feature, learns, type Prepared } from './features/feature.ts'
export { parseFitted, readFitted, writeFitted } from './features/fitted.ts'
export { nameGuilty } from './features/guilty.ts'
export { nest } from './features/nest.ts'
export { prepare } from './features/prepare.ts'
export { type Cells, type Chunks, FeatureProgram } from './features/program.ts'
export { refuseKnown, type Resolved, resolve } from './features/resolve.ts'
export { Limiter } from './execute/limiter.ts'
export { WorkerPool } from './execute/worker-pool.ts'
export { lookupThrough, type Resolve, resolveAll } from './net/checked-lookup.ts'
export { isPublicAddress } from './net/public-address.ts'
export { closePlanTables, type PlanTables } from './plan/plan-tables.ts'
export {
  defineStage,
  type PlanContext,
  type PlannedDatasets,
  type ServiceContext,
  type Stage,
  type StageContext,
  type StageOptions,
} from './stage/define.ts'
export { ConfigError, type Environment, readConfig } from './config/read-config.ts'
export { type DeploymentAddress, readDeployments } from './config/deployments.ts'
export { foreignSettings, serviceSettings } from './config/service-config.ts'
export type { EarlierMajor } from './stage/earlier-major.ts'
export { type Phase, Readiness } from './server/health.ts'
export { type ApiInfo, hoist } from './server/openapi.ts'
export { sendProblem, toProblemError } from './server/problem-handler.ts'
export { endWhileStarting, type RunOptions, runService } from './server/run.ts'
export { startFault, tellStartFault } from './server/start-fault.ts'
export { serveStage } from './server/serve-stage.ts'
export { type App, createService, type Service, type ServiceOptions } from './server/service.ts'
export { createStageApp, type StageApp, type StageAppOptions } from './server/stage-app.ts'
export { createLog, type LogFormat, type LogOptions } from './telemetry/log.ts'
export {
  childOf,
  newTrace,
  readTraceparent,
  type Span,
  type SpanContext,
  spanIdOf,
  writeTraceparent,
} from './telemetry/span.ts'
export { noTraces, type Traces, type TraceSettings } from './telemetry/traces.ts'
