// The same six steps on DBOS Transact: a workflow function with a checkpoint in PostgreSQL after each step. Stands in a
// folder of its own beside its packages. Started with: address of the stages, URL of the system database.

import { createServer } from 'node:http'
import { DBOS } from '@dbos-inc/dbos-sdk'

const [, , stages, systemDatabaseUrl] = process.argv

async function call(value, key) {
  const answer = await fetch(`${stages}/v1/nothing`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify({ value }),
  })
  if (!answer.ok) throw new Error(await answer.text())
  return (await answer.json()).value
}

const six = DBOS.registerWorkflow(
  async () => {
    let value = 0
    for (let step = 0; step < 6; step++)
      value = await DBOS.runStep(() => call(value, `${DBOS.workflowID}/s${step}`), { name: `s${step}` })
    return value
  },
  { name: 'six' },
)
DBOS.setConfig({ name: 'six', systemDatabaseUrl, systemDatabasePoolSize: 20, runAdminServer: false, logLevel: 'error' })
await DBOS.launch()
const server = createServer((_, reply) => {
  six().then(
    value => reply.setHeader('content-type', 'application/json').end(JSON.stringify({ value })),
    error => reply.writeHead(500).end(String(error)),
  )
})
server.listen(0, '127.0.0.1', () => process.send({ url: `http://127.0.0.1:${server.address().port}` }))
process.once('SIGTERM', () => process.exit(0))
