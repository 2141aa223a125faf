// The backup and the restore of docs/install/compose.md, command by command, with runs under way.

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ArtefactRef, RunView } from '@meshwork/contracts'
import { repository } from '../../launcher/src/mesh.ts'
import type { Mesh } from './faults.ts'
import { seconds } from './findings.ts'

const waits = `name: waits
params: { source: { type: artefact } }
steps:
  asked: { wait: { signal: {} } }
  ingest: { stage: ingest@1, needs: [asked], with: { source: "\${params.source}" } }
`

export async function backUpAndRestore(
  { project, api, client, findings }: Mesh,
  name: string,
  { flights, numbers }: { readonly flights: ArtefactRef; readonly numbers: ArtefactRef },
): Promise<void> {
  const [backUp, restore] = await commands(name)
  const folder = await mkdtemp(join(tmpdir(), 'meshwork-backup-'))
  const faults: string[] = []
  const expect = (what: string, holds: boolean) => void (holds || faults.push(what))
  try {
    await client.send('POST', '/v1/workflows', waits, 'application/yaml')
    const waiting = await client.start('waits', { source: numbers })
    const known = await client.ids('seed')
    const [old] = known as [string]
    const before = await api.run(old)
    const underWay = await client.start('flight-delays', { source: flights })
    for await (const event of api.events(underWay.id))
      if (event.type === 'step.started' && event.step === 'predict') break
    await project.shell(backUp, folder)
    const late = await client.start('seed', { source: numbers })
    await client.ended(late.id)

    await project.compose('down', '--volumes', '--timeout=30')
    const began = performance.now()
    await project.shell(restore, folder)
    const took = seconds(performance.now() - began)

    const after = await api.run(old)
    expect(`run ${old} is another`, JSON.stringify(after) === JSON.stringify(before))
    expect(`${known.length} runs of seed were there`, (await client.ids('seed')).length === known.length)
    expect('what came after the copy is there', (await client.send('GET', `/v1/runs/${late.id}`)).status === 404)
    const run = await client.ended(underWay.id)
    expect(`the run under way ${run.status}: ${run.problem?.detail}`, run.status === 'succeeded')
    const steps = await api.steps(underWay.id)
    const ingest = steps.find(step => step.name === 'ingest')
    expect(`a finished step was called ${ingest?.attempts} times`, ingest?.attempts === 1)
    expect('its report is not in the store', await reportIsThere(client, run))
    await client.send('POST', `/v1/runs/${waiting.id}/steps/asked/signal`, '{}')
    const asked = await client.ended(waiting.id)
    expect(`the run that waited ${asked.status}: ${asked.problem?.detail}`, asked.status === 'succeeded')
    findings.none(`backed up under load, everything deleted, restored in ${took}`, 7, faults)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function reportIsThere(client: Mesh['client'], { outputs }: RunView): Promise<boolean> {
  const report = Object.values(outputs ?? {}).find(
    value => (value as { mediaType?: string } | null)?.mediaType === 'text/html',
  ) as { hash: string } | undefined
  if (!report) return false
  const { status, bytes } = await client.send('GET', `/v1/artefacts/${report.hash}`)
  return status === 200 && bytes.length > 1000
}

/** Of the document, for a project of this name. */
async function commands(name: string): Promise<[backUp: string, restore: string]> {
  const text = await readFile(join(repository, 'docs/install/compose.md'), 'utf8')
  const section = text.split('\n## ').find(part => part.startsWith('Upgrade, back up, restore')) ?? ''
  const blocks = [...section.matchAll(/```sh\n(.*?)```/gs)].map(([, block]) => block as string)
  const [, backUp, restore] = blocks.map(block => block.replaceAll('meshwork_store', `${name}_store`))
  if (backUp === undefined || restore === undefined) throw new Error('docs/install/compose.md has no commands to try')
  return [backUp, restore]
}
