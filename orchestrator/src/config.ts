import { serviceSettings } from '@meshwork/kit'
import Type from 'typebox'

export const OrchestratorConfig = Type.Object({
  ...serviceSettings,
  MESHWORK_DATABASE_URL: Type.Optional(
    Type.String({
      pattern: '^postgres(ql)?://',
      description: 'PostgreSQL for many orchestrators; without it the state lies in MESHWORK_STATE_DIR.',
    }),
  ),
  MESHWORK_STATE_DIR: Type.String({
    minLength: 1,
    default: '.meshwork/state',
    description: 'Folder of the embedded database.',
  }),
  MESHWORK_STAGES: Type.String({
    default: '',
    description:
      'Deployments: clean=http://127.0.0.1:4001,features=http://127.0.0.1:4002; a stage may stand there several times.',
  }),
  MESHWORK_RUNS_MAX: Type.Integer({ minimum: 1, maximum: 10_000, default: 256, description: 'Runs walked at a time.' }),
  MESHWORK_STAGE_CALLS_MAX: Type.Integer({
    minimum: 1,
    maximum: 10_000,
    default: 32,
    description: 'Calls in flight for each deployment.',
  }),
  MESHWORK_RUNS_KEEP_HOURS: Type.Integer({
    minimum: 0,
    maximum: 87_600,
    default: 0,
    description: 'Hours for which a run that has ended is kept, with its steps and events; 0 keeps it for ever.',
  }),
  MESHWORK_EVENT_STREAMS_MAX: Type.Integer({
    minimum: 1,
    maximum: 100_000,
    default: 1000,
    description: 'Open event streams.',
  }),
})

/** Reads "name=url,name=url". Throws a TypeError that names the wrong part. */
export function readDeployments(text: string): { stage: string; url: string }[] {
  return text
    .split(',')
    .map(part => part.trim())
    .filter(Boolean)
    .map(part => {
      const [, stage, url] = /^([a-z][a-z0-9-]{0,62})=(https?:\/\/.+)$/.exec(part) ?? []
      if (stage === undefined || url === undefined || !URL.canParse(url))
        throw new TypeError(`MESHWORK_STAGES has "${part}", which is not name=http://host:port`)
      return { stage, url }
    })
}
