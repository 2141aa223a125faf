import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { logCapture } from '@meshwork/kit/testing'
import t from 'tap'
import { createOrchestrator } from '../../src/app.ts'
import { databaseFault } from '../../src/store/database-failure.ts'
import { openPostgres } from '../../src/store/database.ts'
import { startPostgres } from '../postgres.ts'

t.test('failures of the database are told from failures of a statement', async t => {
  const error = (message: string, code?: string) => Object.assign(new Error(message), { code })
  for (const failure of [
    error('connect ECONNREFUSED 127.0.0.1:1', 'ECONNREFUSED'),
    error('', 'ECONNREFUSED'),
    error('password authentication failed for user "meshwork"', '28P01'),
    error('the database system is starting up', '57P03'),
    error('could not extend file: No space left on device', '53100'),
    error('Connection terminated unexpectedly'),
    error('timeout exceeded when trying to connect'),
  ])
    t.ok(databaseFault(failure), failure.message)
  for (const failure of [error('duplicate key', '23505'), error('canceling statement', '57014'), error('x'), 'text'])
    t.equal(databaseFault(failure), undefined)
})

t.test('while PostgreSQL is away callers are told to try again', { skip: 'DATABASE_URL' in process.env }, async t => {
  const postgres = await startPostgres(t)
  const orchestrator = await createOrchestrator({
    databaseUrl: postgres.url,
    stateFolder: '',
    stages: [],
    runsMax: 1,
    callsMax: 1,
    eventStreamsMax: 1,
    log: logCapture().log,
  })
  await orchestrator.start()
  t.teardown(async () => {
    await orchestrator.app.close()
    await orchestrator.stop()
  })
  const get = async () => await orchestrator.app.inject({ url: `/v1/runs/${randomUUID()}` })
  t.equal((await get()).statusCode, 404)
  postgres.kill()
  let answer = await get()
  while (answer.statusCode === 404) answer = await get() // its connections outlive the server for a moment
  t.match(answer.json(), { status: 503, code: 'MESHWORK_DATABASE_UNAVAILABLE', retryable: true })
  t.equal(answer.headers['retry-after'], '2')
})

t.test('a connection that ends in the moment it is made fails the statement, not the process', async t => {
  // What a server sends that goes down between greeting a client and hearing from it, in one packet.
  const message = (type: string, body: Buffer) => {
    const length = Buffer.alloc(4)
    length.writeInt32BE(body.length + 4)
    return Buffer.concat([Buffer.from(type), length, body])
  }
  const farewell = Buffer.concat([
    message('R', Buffer.alloc(4)),
    message('Z', Buffer.from('I')),
    message('E', Buffer.from('SFATAL\0C57P01\0Mterminating connection\0\0')),
  ])
  const server = createServer(socket => socket.on('error', () => {}).once('data', () => socket.end(farewell)))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const lost: Error[] = []
  const database = openPostgres(`postgres://m@127.0.0.1:${(server.address() as AddressInfo).port}/m`, error => {
    lost.push(error)
  })
  t.teardown(async () => {
    await database.close()
    server.close()
  })
  const failure = await database.query('SELECT 1').then(
    () => undefined,
    (error: unknown) => error,
  )
  t.ok(databaseFault(failure), String(failure))
  t.match(lost, [{ code: '57P01' }])
})

t.test('a connection that is lost in a transaction fails the transaction, not the process', async t => {
  const lost = Promise.withResolvers<Error>()
  const database = openPostgres((await startPostgres(t)).url, lost.resolve)
  t.teardown(() => database.close())
  const transaction = database.transaction(async sql => {
    const [row] = await sql.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
    await database.readers.query('SELECT pg_terminate_backend($1)', [row?.pid])
    t.ok(databaseFault(await lost.promise))
    await sql.query('SELECT 1')
  })
  await t.rejects(transaction)
  t.match(await database.transaction(async sql => await sql.query('SELECT 1 AS one')), [{ one: 1 }])
})
