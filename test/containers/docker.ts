// The Docker engine and the compose project under test, through the command line that people use.

import { execFile, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { repository } from '../../launcher/src/mesh.ts'

const execute = promisify(execFile)
const outputBytesMax = 64 * 1024 * 1024

const noEngine = `npm run test:containers needs a Docker engine with compose, and none answers.
  Linux     the packages docker.io (or docker-ce) and docker-compose-plugin; then: sudo systemctl start docker
  macOS     Docker Desktop, Colima or OrbStack
  elsewhere DOCKER_HOST names an engine on another machine
`

/** The versions of the engine and of compose; undefined when there is no engine, which is told on stderr. */
export function engineVersions(): string | undefined {
  const asked = [
    ['version', '--format', '{{.Server.Version}}'],
    ['compose', 'version', '--short'],
  ].map(args => spawnSync('docker', args, { encoding: 'utf8' }))
  const [engine, compose] = asked.map(({ status, stdout }) => (status === 0 ? stdout.trim() : undefined))
  if (engine !== undefined && compose !== undefined) return `Docker ${engine}, compose ${compose}`
  process.stderr.write(`${noEngine}\n${asked.map(({ stderr, error }) => stderr ?? error?.message ?? '').join('')}`)
  return undefined
}

export interface Container {
  readonly id: string
  /** Of the compose file. */
  readonly service: string
}

/** The part of `docker inspect` that is looked at. */
export interface Inspected {
  readonly Config: { readonly User: string; readonly Env: readonly string[]; readonly Image: string }
  readonly HostConfig: {
    readonly ReadonlyRootfs: boolean
    readonly CapDrop: readonly string[] | null
    readonly SecurityOpt: readonly string[] | null
    readonly Memory: number
  }
  readonly State: {
    readonly ExitCode: number
    readonly OOMKilled: boolean
    readonly StartedAt: string
    readonly Health?: { readonly Status: string }
  }
  readonly NetworkSettings: { readonly Networks: Readonly<Record<string, { readonly IPAddress: string }>> }
  readonly RestartCount: number
}

export class Project {
  readonly #environment: Readonly<Record<string, string>>

  /** `name` keeps containers, networks and volumes apart from others; `settings` are variables of the compose file. */
  constructor(name: string, settings: Readonly<Record<string, string>>) {
    this.#environment = { ...(process.env as Record<string, string>), COMPOSE_PROJECT_NAME: name, ...settings }
  }

  async docker(...args: string[]): Promise<string> {
    const options = { cwd: repository, env: this.#environment, maxBuffer: outputBytesMax }
    return (await execute('docker', args, options)).stdout.trim()
  }

  /** Commands as people type them, beside the compose file of this repository, in a folder of their own. */
  async shell(script: string, folder: string): Promise<void> {
    const env = { ...this.#environment, COMPOSE_FILE: join(repository, 'docker-compose.yml') }
    await execute('bash', ['-euo', 'pipefail', '-c', script], { cwd: folder, env, maxBuffer: outputBytesMax })
  }

  async compose(...args: string[]): Promise<string> {
    return await this.docker('compose', ...args)
  }

  /** Those that run, or all of them. */
  async containers({ all = false } = {}): Promise<Container[]> {
    const lines = await this.compose('ps', ...(all ? ['--all'] : []), '--format', 'json')
    return lines
      .split('\n')
      .filter(Boolean)
      .map(line => JSON.parse(line) as { ID: string; Service: string })
      .map(({ ID, Service }) => ({ id: ID, service: Service }))
  }

  async inspect(id: string): Promise<Inspected> {
    return (JSON.parse(await this.docker('inspect', id)) as Inspected[])[0] as Inspected
  }

  /** Runs a script with the node of a container; answers what it prints. */
  async node(id: string, script: string): Promise<string> {
    return await this.docker('exec', id, 'node', '-e', script)
  }

  /** What a container has logged, its own JSON lines. */
  async log(id: string, since?: string): Promise<Record<string, unknown>[]> {
    const text = await this.docker('logs', ...(since === undefined ? [] : ['--since', since]), id)
    return text.split('\n').flatMap(line => {
      try {
        return [JSON.parse(line) as Record<string, unknown>]
      } catch {
        return []
      }
    })
  }
}
