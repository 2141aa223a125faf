import t from 'tap'
import { ServedModels, type ServedModelsOptions } from '../../src/serving/served-models.ts'

t.test('before the folder of models was read nothing is known to be missing: 503, and only then 404', async t => {
  const { promise: read, resolve } = Promise.withResolvers<[]>()
  const models = new ServedModels({
    repository: { list: async () => await read },
    limits: { control: 'poll', pollMs: 60_000 },
  } as unknown as ServedModelsOptions)
  models.start()
  t.throws(() => models.find('sum'), { name: 'OipFault', status: 503, retryAfterSeconds: 1 })
  t.notOk(models.ready)
  resolve([])
  await read
  await new Promise(done => setImmediate(done))
  t.throws(() => models.find('sum'), { name: 'OipFault', status: 404 })
  t.ok(models.ready)
  await models.close()
})
