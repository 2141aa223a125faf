import t from 'tap'
import { ConfigError, type Environment, readConfig } from '../../src/config/read-config.ts'
import { foreignSettings, StageConfig } from '../../src/config/service-config.ts'

const read = (environment: Environment) => readConfig(StageConfig, environment, foreignSettings)
const store = { MESHWORK_STORE_URL: 'file:///tmp/store' }

t.test('what is not set has its default, text becomes numbers, and nobody can change it', async t => {
  const config = read({ ...store, MESHWORK_PORT: '4100', MESHWORK_STAGE_QUEUE: '', PATH: '/bin' })
  t.match(config, { MESHWORK_HOST: '127.0.0.1', MESHWORK_PORT: 4100, MESHWORK_STAGE_QUEUE: 64 })
  t.equal(config.MESHWORK_STAGE_CONCURRENCY, undefined)
  t.throws(() => Object.assign(config, { MESHWORK_PORT: 1 }), TypeError)
})

t.test('all bad keys are told at once', async t => {
  const environment = { MESHWORK_PORT: 'http', MESHWORK_LOG_LEVEL: 'loud', MESHWORK_STAGE_QUEU: '1', MESHWORK_HOST: '' }
  let told = ''
  t.throws(() => {
    try {
      read(environment)
    } catch (error) {
      told = (error as Error).message
      throw error
    }
  }, ConfigError)
  for (const line of [
    /MESHWORK_PORT must be an integer/,
    /MESHWORK_LOG_LEVEL/,
    /MESHWORK_STORE_URL is not set/,
    /MESHWORK_STAGE_QUEU is not a setting of this service; did you mean MESHWORK_STAGE_QUEUE\?/,
  ])
    t.match(told, line)
  t.notMatch(told, /MESHWORK_HOST/, 'an empty value is none')
})

for (const [key, value] of [
  ['MESHWORK_PORT', '65536'],
  ['MESHWORK_PORT', '1.5'],
  ['MESHWORK_STAGE_CONCURRENCY', '0'],
  ['MESHWORK_WORKER_MEMORY_BYTES', '1e3'],
  ['MESHWORK_STORE_URL', 'ftp://bucket'],
  ['MESHWORK_DRAIN_TIMEOUT_MS', '-1'],
] as const)
  t.test(`${key}=${value} is refused by its name`, async t => {
    t.throws(() => read({ ...store, [key]: value }), { name: 'ConfigError', message: new RegExp(key) })
  })

t.test('settings of other stages may stand in the same environment', async t => {
  t.doesNotThrow(() => read({ ...store, MESHWORK_INFERENCE_THREADS: '4' }))
})

t.test('KEY_FILE names a file that holds the value, without its line end', async t => {
  const folder = t.testdir({ store: 'file:///tmp/store\n', level: 'loud', empty: '\n' })
  t.match(read({ MESHWORK_STORE_URL_FILE: `${folder}/store` }), store)
  for (const [environment, message] of [
    [
      { ...store, MESHWORK_STORE_URL_FILE: `${folder}/store` },
      /MESHWORK_STORE_URL and MESHWORK_STORE_URL_FILE are both/,
    ],
    [{ MESHWORK_STORE_URL_FILE: `${folder}/none` }, /MESHWORK_STORE_URL_FILE names .*none, which cannot be read/],
    [{ MESHWORK_STORE_URL_FILE: `${folder}/empty` }, /MESHWORK_STORE_URL_FILE names .*empty, which is empty/],
    [{ ...store, MESHWORK_LOG_LEVEL_FILE: `${folder}/level` }, /MESHWORK_LOG_LEVEL must/],
    [{ ...store, MESHWORK_STORE_UR_FILE: `${folder}/store` }, /MESHWORK_STORE_UR_FILE is not a setting/],
  ] as const)
    t.throws(() => read(environment), { name: 'ConfigError', message })
})
