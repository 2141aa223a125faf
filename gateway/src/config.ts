import { serviceSettings, storeUrlPattern } from '@meshwork/kit'
import Type from 'typebox'

export const GatewayConfig = Type.Object({
  ...serviceSettings,
  MESHWORK_ORCHESTRATOR_URL: Type.String({ pattern: '^https?://', description: 'Address of the orchestrator.' }),
  MESHWORK_STAGES: Type.String({
    default: '',
    description: 'Stages behind the gateway: clean=http://127.0.0.1:4001,…; the first of each name is used.',
  }),
  MESHWORK_STORE_URL: Type.String({
    pattern: storeUrlPattern,
    description: 'URL of the artefact store: file:///folder or s3://bucket/prefix?endpoint=….',
  }),
})

/** Where requests go: the orchestrator and the stages by name. */
export interface Upstreams {
  readonly orchestrator: string
  readonly stages: ReadonlyMap<string, string>
}

/** Reads "name=url,name=url". Throws a TypeError that names the wrong part. */
export function readStages(text: string): Map<string, string> {
  const stages = new Map<string, string>()
  for (const part of text
    .split(',')
    .map(item => item.trim())
    .filter(Boolean)) {
    const [, name, url] = /^([a-z][a-z0-9-]{0,62})=(https?:\/\/.+)$/.exec(part) ?? []
    if (name === undefined || url === undefined || !URL.canParse(url))
      throw new TypeError(`MESHWORK_STAGES has "${part}", which is not name=http://host:port`)
    if (!stages.has(name)) stages.set(name, url.replace(/\/+$/, ''))
  }
  return stages
}
