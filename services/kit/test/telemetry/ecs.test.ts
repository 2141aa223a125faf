import t from 'tap'
import { ecsLine } from '../../src/telemetry/ecs.ts'
import { createLog } from '../../src/telemetry/log.ts'

function logged(format: 'json' | 'ecs') {
  const lines: string[] = []
  const log = createLog({
    module: 'clean',
    version: '1.0.0',
    level: 'info',
    format,
    destination: { write: line => void lines.push(line) },
  })
  return { log, lines: () => lines.map(line => JSON.parse(line) as Record<string, unknown>) }
}

t.test('a line of work is in the Elastic Common Schema', async t => {
  const { log, lines } = logged('ecs')
  log.child({ runId: 'r1', step: 'clean', attempt: 2, traceId: 't1' }).info({ rows: 3, seconds: 0.5 }, 'succeeded')
  const [{ '@timestamp': time, ...line } = {}] = lines()
  t.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  t.same(line, {
    'log.level': 'info',
    message: 'succeeded',
    'ecs.version': '8.11.0',
    'event.dataset': 'meshwork.log',
    'service.name': 'clean',
    'service.version': '1.0.0',
    'meshwork.run.id': 'r1',
    'meshwork.step.name': 'clean',
    'meshwork.step.attempt': 2,
    'trace.id': 't1',
    'meshwork.rows': 3,
    'meshwork.seconds': 0.5,
  })
})

t.test('an error has its type, message and stack; what the failure says of itself goes before', async t => {
  const { log, lines } = logged('ecs')
  log.error({ err: new TypeError('no') }, 'could not start')
  log.warn({ err: new Error('inner'), code: 'MESHWORK_STORE_FULL', detail: 'outer' }, 'failed')
  const [first, second] = lines()
  t.match(first, { 'error.type': 'TypeError', 'error.message': 'no', 'error.stack_trace': /ecs\.test\.ts/ })
  t.match(second, { 'error.code': 'MESHWORK_STORE_FULL', 'error.message': 'outer' })
})

t.test('secrets are kept back in both forms, and the usual form stays what it is', async t => {
  for (const format of ['json', 'ecs'] as const) {
    const { log, lines } = logged(format)
    log.info({ database: { password: 'hunter2' } }, 'connected')
    t.notMatch(JSON.stringify(lines()), /hunter2/)
  }
  const { log, lines } = logged('json')
  log.info('listening')
  t.match(lines(), [{ level: 'info', module: 'clean', version: '1.0.0', msg: 'listening' }])
})

t.test('what is no line of JSON is let through', async t => {
  t.equal(ecsLine('plain\n'), 'plain\n')
})
