import { readDeployments, serviceSettings, storeUrlPattern } from '@meshwork/kit'
import Type from 'typebox'

export const GatewayConfig = Type.Object({
  ...serviceSettings,
  MESHWORK_ORCHESTRATOR_URL: Type.String({ pattern: '^https?://', description: 'Address of the orchestrator.' }),
  MESHWORK_STAGES: Type.String({
    default: '',
    description: 'Stages behind the gateway: clean=http://127.0.0.1:4001,…; the first of each name is used.',
  }),
  MESHWORK_ARTEFACTS_KEEP_HOURS: Type.Integer({
    minimum: 0,
    maximum: 87_600,
    default: 0,
    description: 'Hours for which a file is kept that nothing refers to; 0 keeps it for ever, otherwise at least 25.',
  }),
  MESHWORK_STORE_URL: Type.String({
    pattern: storeUrlPattern,
    description: 'URL of the artefact store: file:///folder or s3://bucket/prefix?endpoint=….',
  }),
})

/** A call of a stage may take a day, and what it has put is named only at its end. Throws a TypeError for less. */
export function keepSecondsOf(hours: number): number {
  if (hours > 0 && hours < 25)
    throw new TypeError(
      `MESHWORK_ARTEFACTS_KEEP_HOURS is ${hours}, and a step may take a day before it names what it made; set at least 25, or 0 to keep everything`,
    )
  return hours * 3600
}

/** Where requests go: the orchestrator and the stages by name. */
export interface Upstreams {
  readonly orchestrator: string
  readonly stages: ReadonlyMap<string, string>
}

/** The first deployment of each stage. Throws a TypeError that names what is wrong. */
export function readStages(text: string): Map<string, string> {
  const stages = new Map<string, string>()
  for (const { stage, url } of readDeployments(text)) if (!stages.has(stage)) stages.set(stage, url)
  return stages
}
