// What a container may do, and whom it reaches, tried from inside.

import { stageNames } from '../../launcher/src/mesh.ts'
import type { Container, Project } from './docker.ts'
import type { Findings } from './findings.ts'
import { services } from './images.ts'

const isOurs = (service: string): boolean => (services as readonly string[]).includes(service)

/** Answers, from inside: user, capabilities, whether new privileges are possible, and where a write succeeded. */
const insideScript = `
  const fs = require('node:fs')
  const status = fs.readFileSync('/proc/1/status', 'utf8')
  const field = name => new RegExp('^' + name + ':\\\\s*(\\\\S+)', 'm').exec(status)[1]
  const written = ['/', '/app', '/app/cache', '/etc', '/usr/local/bin', '/var'].filter(folder => {
    try { fs.writeFileSync(folder + '/written', ''); return true } catch { return false }
  })
  console.log(JSON.stringify({ uid: field('Uid'), effective: field('CapEff'), bounding: field('CapBnd'),
    locked: field('NoNewPrivs'), seccomp: field('Seccomp'), written }))`

export async function checkPrivileges(project: Project, containers: readonly Container[], findings: Findings) {
  const faults: string[] = []
  for (const { id, service } of containers) {
    const { Config, HostConfig } = await project.inspect(id)
    if (/^(0|root|)(:|$)/.test(Config.User)) faults.push(`${service} has the user "${Config.User}"`)
    if (!HostConfig.ReadonlyRootfs) faults.push(`${service} may write to its root`)
    if (!HostConfig.CapDrop?.includes('ALL')) faults.push(`${service} keeps capabilities`)
    if (!HostConfig.SecurityOpt?.some(option => option.startsWith('no-new-privileges')))
      faults.push(`${service} may gain privileges`)
    if (HostConfig.Memory === 0) faults.push(`${service} has no limit of memory`)
    for (const variable of Config.Env)
      if (/password=|:[^/@]+@/i.test(variable)) faults.push(`${service} has ${variable.split('=')[0]}`)
    const changes = (await project.docker('diff', id)).split('\n').filter(Boolean)
    if (changes.length > 0 && !HostConfig.ReadonlyRootfs)
      faults.push(`${service} wrote ${changes.slice(0, 3).join(', ')}`)
    if (!isOurs(service)) continue // has no node to try with
    const inside = JSON.parse(await project.node(id, insideScript)) as Record<string, string> & { written: string[] }
    if (inside['uid'] === '0') faults.push(`${service} runs as root`)
    for (const set of ['effective', 'bounding'])
      if (!/^0+$/.test(inside[set] ?? 'none')) faults.push(`${service}: ${set} ${inside[set]}`)
    if (inside['locked'] !== '1') faults.push(`${service} may gain privileges`)
    if (inside.written.length > 0) faults.push(`${service} could write to ${inside.written.join(', ')}`)
  }
  findings.none(
    'no root, no capabilities, nothing written to the root, no secret in the environment',
    containers.length,
    faults,
  )
}

const connectTimeoutMs = 700

/** Which of these addresses can be connected to from inside a container. */
const connectScript = (addresses: readonly string[]) => `
  const net = require('node:net')
  const look = address => new Promise(resolve => {
    const [host, port] = address.split(' ')
    const socket = net.connect({ host, port: Number(port) })
    const end = reached => { socket.destroy(); resolve(reached ? address : undefined) }
    socket.setTimeout(${connectTimeoutMs}, () => end(false)).on('connect', () => end(true)).on('error', () => end(false))
  })
  Promise.all(${JSON.stringify(addresses)}.map(look)).then(reached => console.log(JSON.stringify(reached.filter(Boolean))))`

const routeScript = `console.log(require('node:fs').readFileSync('/proc/net/route', 'utf8').split('\\n').some(line => line.split('\\t')[1] === '00000000'))`

export async function checkNetworks(project: Project, containers: readonly Container[], findings: Findings) {
  const addresses = new Map<string, string[]>()
  for (const { id, service } of containers) {
    const { Networks } = (await project.inspect(id)).NetworkSettings
    if (!isOurs(service) && service !== 'postgres') continue
    const port = service === 'postgres' ? 5432 : 8080
    const own = Object.values(Networks).map(({ IPAddress }) => `${IPAddress} ${port}`)
    addresses.set(service, [...(addresses.get(service) ?? []), ...own])
  }
  const all = [...addresses.values()].flat()
  const faults: string[] = []
  let looked = 0
  for (const { id, service } of containers.filter(container => isOurs(container.service))) {
    const isStage = (stageNames as readonly string[]).includes(service)
    const reached = JSON.parse(await project.node(id, connectScript(all))) as string[]
    looked += all.length
    for (const [other, theirs] of addresses) {
      const may = other === service || !isStage || ((other === 'orchestrator' || other === 'gateway') && isStage)
      const reaches = theirs.some(address => reached.includes(address))
      if (reaches && !may) faults.push(`${service} reaches ${other}`)
      if (reaches && service === 'gateway' && other === 'postgres') faults.push('gateway reaches postgres')
      const needed =
        (service === 'orchestrator' && other !== 'gateway') || (service === 'gateway' && other === 'orchestrator')
      if (!reaches && needed) faults.push(`${service} does not reach ${other}`)
    }
    const goesOut = (await project.node(id, routeScript)) === 'true'
    if (goesOut !== (service === 'ingest' || service === 'gateway'))
      faults.push(`${service} ${goesOut ? 'has a way' : 'has no way'} to the outside`)
  }
  findings.none(
    'stages reach neither each other, nor the database, nor the outside (connections tried)',
    looked,
    faults,
  )
}
