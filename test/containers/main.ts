// npm run test:containers [-- --s3]: builds every image, brings docker-compose.yml up under a name of its own, does to it what
// happens in a data centre, and shows what it found. With --s3 the artefacts lie on the S3 server of the compose file.
// Leaves no container, network, volume or image behind.

import { parseArgs } from 'node:util'
import { Api } from '../../launcher/src/demo/api.ts'
import { freePorts } from '../../launcher/src/free-port.ts'
import { seedMesh } from '../../launcher/src/seed.ts'
import { backUpAndRestore } from './backup.ts'
import { Client } from './client.ts'
import { engineVersions, Project } from './docker.ts'
import {
  checkStoreFolder,
  killInTheMiddle,
  killStore,
  measureStarts,
  restartDatabase,
  restartServices,
  runWorkflows,
} from './faults.ts'
import { Findings, seconds } from './findings.ts'
import { checkPrivileges, checkNetworks } from './hardening.ts'
import { checkBadSettings, checkImages, services } from './images.ts'
import { bringImages } from './stand-ins.ts'
import { checkWatching, endWatching, observability } from './watching.ts'

const { values } = parseArgs({ options: { s3: { type: 'boolean', default: false } } })
const inBucket = {
  COMPOSE_PROFILES: 's3',
  MESHWORK_STORE_URL: 's3://meshwork?endpoint=http://s3:9000&createBucket=true&cache=/var/lib/meshwork/cache',
}
const say = (text: string) => process.stderr.write(`${text}\n`)
const versions = engineVersions()
if (versions === undefined) process.exit(2)

const name = `meshwork-test-${process.pid}`
const [port, prometheusPort, alertmanagerPort] = (await freePorts(3)) as [number, number, number]
const url = `http://127.0.0.1:${port}`
const project = new Project(name, {
  MESHWORK_VERSION: name,
  MESHWORK_PUBLISH: `127.0.0.1:${port}`,
  PROMETHEUS_PORT: String(prometheusPort),
  ALERTMANAGER_PORT: String(alertmanagerPort),
  ...(values.s3 ? inBucket : {}),
})
const findings = new Findings()
const begun = performance.now()

let ended: Promise<void> | undefined
const end = async () => {
  ended ??= (async () => {
    await project.compose(...observability, 'down', '--volumes', '--remove-orphans', '--timeout=30')
    await project
      .docker('image', 'rm', '--force', ...services.map(service => `meshwork/${service}:${name}`))
      .catch(() => {})
  })()
  await ended
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void end().then(() => process.exit(130)))

try {
  await test()
} catch (error) {
  findings.add('the test came to its end', error instanceof Error ? error.message.slice(0, 2000) : String(error), false)
  say(await project.compose('ps', '--all').catch(String))
  say(await project.compose('logs', '--no-color', '--tail=15').catch(String))
}
await end()
console.log(`\n${versions}, ${seconds(performance.now() - begun)}\n\n${findings.table()}\n`)
process.exitCode = findings.ok ? 0 : 1

async function test(): Promise<void> {
  say(`${versions}: building ${services.length} images …`)
  await project.compose('build', '--quiet')
  findings.add('images built', seconds(performance.now() - begun), true)
  await checkImages(project, name, findings)
  await checkBadSettings(project, name, findings)

  if (values.s3) findings.add('the image of the S3 server', await bringImages(project, ['s3']), true)
  const up = performance.now()
  await project.compose('up', '--wait', '--wait-timeout=180')
  findings.add('docker compose up --wait', seconds(performance.now() - up), true)
  await seedMesh(url)
  const mesh = { project, findings, api: new Api(url), client: new Client(url) }
  const sources = await runWorkflows(mesh)
  if (values.s3) await checkStoreFolder(mesh)
  await checkWatching(mesh, prometheusPort)
  const containers = await project.containers()
  await checkPrivileges(project, containers, findings)
  await checkNetworks(project, containers, findings)
  await endWatching(project)
  await killInTheMiddle(mesh, sources.flights)
  await restartDatabase(mesh, sources.numbers)
  if (values.s3) await killStore(mesh, sources.numbers)
  await restartServices(mesh, sources.numbers)
  await measureStarts(mesh)
  if (!values.s3) await backUpAndRestore(mesh, name, sources)
  findings.add('a flight workflow after all of it', await lastRun(mesh.client, sources), true)
}

async function lastRun(client: Client, { flights }: { flights: unknown }): Promise<string> {
  const { id } = await client.start('flight-delays', { source: flights })
  const { status, problem } = await client.ended(id)
  if (status !== 'succeeded') throw new Error(`it ${status}: ${problem?.detail}`)
  return status
}
