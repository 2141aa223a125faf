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
  MESHWORK_DATABASE_PASSWORD: Type.Optional(
    Type.String({
      minLength: 1,
      writeOnly: true,
      description: 'Password for MESHWORK_DATABASE_URL, in place of one in the URL; best given as a file.',
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
  MESHWORK_WEBHOOKS_ALLOW_PRIVATE: Type.Boolean({
    default: false,
    description: 'Whether webhooks may lead to private and loopback addresses.',
  }),
  MESHWORK_EVENT_STREAMS_MAX: Type.Integer({
    minimum: 1,
    maximum: 100_000,
    default: 1000,
    description: 'Open event streams.',
  }),
})

/** The address of the database with its password in it. Throws a TypeError when there is a password and no address. */
export function databaseUrlOf(url: string | undefined, password: string | undefined): string | undefined {
  if (password === undefined) return url
  if (url === undefined) throw new TypeError('MESHWORK_DATABASE_PASSWORD is set, and MESHWORK_DATABASE_URL is not')
  if (!URL.canParse(url)) throw new TypeError('MESHWORK_DATABASE_URL is not a URL: postgres://user@host:5432/database')
  const whole = new URL(url)
  if (whole.password !== '')
    throw new TypeError('MESHWORK_DATABASE_URL has a password and MESHWORK_DATABASE_PASSWORD is set; keep one of them')
  whole.password = encodeURIComponent(password)
  return whole.href
}
