// A real Prometheus and a real Alertmanager on free ports, with all their files in a folder, and what they send.

import { type ChildProcess, spawn } from 'node:child_process'
import { openSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { request } from 'undici'
import { stringify } from 'yaml'
import { freePorts } from '../../launcher/src/free-port.ts'
import { bring } from './programs.ts'

const startTimeoutMs = 60_000

export interface Told {
  readonly status: 'firing' | 'resolved'
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

export interface Sample {
  readonly metric: Readonly<Record<string, string>>
  readonly value?: readonly [number, string]
  readonly values?: readonly (readonly [number, string])[]
}

export class Watch {
  readonly url: string
  readonly told: Told[] = []
  readonly #children: ChildProcess[] = []
  #receiver: Server | undefined

  private constructor(url: string) {
    this.url = url
  }

  /** `targets`: address by the name of the service. */
  static async start(folder: string, targets: ReadonlyMap<string, string>, rules: string): Promise<Watch> {
    const [port, alertPort] = (await freePorts(2)) as [number, number]
    const watch = new Watch(`http://127.0.0.1:${port}`)
    try {
      const receiver = await watch.#receive()
      await mkdir(join(folder, 'data'), { recursive: true })
      const file = async (name: string, content: unknown) =>
        await writeFile(join(folder, name), typeof content === 'string' ? content : stringify(content))
      await file('rules.yaml', rules)
      await file('prometheus.yaml', prometheusConfig(targets, alertPort))
      await file('alertmanager.yaml', alertmanagerConfig(receiver))
      watch.#run(await bring('prometheus-alertmanager'), folder, [
        '--config.file=alertmanager.yaml',
        '--storage.path=data/alertmanager',
        `--web.listen-address=127.0.0.1:${alertPort}`,
        '--cluster.listen-address=',
      ])
      watch.#run(await bring('prometheus'), folder, [
        '--config.file=prometheus.yaml',
        '--storage.tsdb.path=data/prometheus',
        `--web.listen-address=127.0.0.1:${port}`,
      ])
      await ready(`http://127.0.0.1:${alertPort}/-/ready`)
      await ready(`${watch.url}/-/ready`)
      return watch
    } catch (error) {
      await watch.end()
      throw error
    }
  }

  /** Answers of a query over the last `seconds`, or of this moment. Throws what Prometheus says against it. */
  async query(expr: string, seconds?: number, step = 2): Promise<readonly Sample[]> {
    const now = Date.now() / 1000
    const asked =
      seconds === undefined
        ? { query: expr }
        : { query: expr, start: String(now - seconds), end: String(now), step: String(step) }
    const path = seconds === undefined ? 'query' : 'query_range'
    const answer = await this.ask<{ result: Sample[] }>(`/api/v1/${path}?${new URLSearchParams(asked).toString()}`)
    return answer.result
  }

  /** Whether it fired since then. `alert` is a name, and a severity where there are several. */
  fired(alert: string, from: number): boolean {
    return this.told.slice(from).some(told => told.status === 'firing' && isOf(told, alert))
  }

  /** Whether the last word on any alert of this name is that it fires. */
  burns(alert: string): boolean {
    const last = new Map(this.told.map(told => [JSON.stringify(told.labels), told]))
    return [...last.values()].some(told => told.status === 'firing' && isOf(told, alert))
  }

  async ask<T>(path: string): Promise<T> {
    const { body } = await request(`${this.url}${path}`)
    const answer = (await body.json()) as { status: string; data: T; error?: string }
    if (answer.status !== 'success') throw new Error(`${path}: ${answer.error}`)
    return answer.data
  }

  async end(): Promise<void> {
    await Promise.all(
      this.#children.map(async child => {
        if (child.exitCode !== null || child.signalCode !== null) return
        const gone = new Promise(resolve => child.once('exit', resolve))
        child.kill('SIGTERM')
        await gone
      }),
    )
    this.#receiver?.closeAllConnections()
    await new Promise(resolve => (this.#receiver ? this.#receiver.close(resolve) : resolve(undefined)))
  }

  #run(program: string, folder: string, args: readonly string[]): void {
    const log = openSync(join(folder, `${args.length}.log`), 'w')
    this.#children.push(spawn(program, args, { cwd: folder, stdio: ['ignore', log, log] }))
  }

  /** What the Alertmanager would send to people. */
  async #receive(): Promise<string> {
    const server = createServer((incoming, answer) => {
      let text = ''
      incoming.setEncoding('utf8').on('data', chunk => (text += chunk))
      incoming.on('end', () => {
        this.told.push(...(JSON.parse(text) as { alerts: Told[] }).alerts)
        answer.end()
      })
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    this.#receiver = server
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  }
}

function isOf({ labels }: Told, alert: string): boolean {
  const [name, severity = labels['severity']] = alert.split(' ')
  return labels['alertname'] === name && labels['severity'] === severity
}

const prometheusConfig = (targets: ReadonlyMap<string, string>, alertPort: number) => ({
  global: { scrape_interval: '2s', scrape_timeout: '2s', evaluation_interval: '2s' },
  rule_files: ['rules.yaml'],
  alerting: { alertmanagers: [{ static_configs: [{ targets: [`127.0.0.1:${alertPort}`] }] }] },
  scrape_configs: [...targets].map(([name, url]) => ({
    job_name: name,
    static_configs: [{ targets: [new URL(url).host] }],
  })),
})

const alertmanagerConfig = (receiver: string) => ({
  route: {
    receiver: 'test',
    group_by: ['alertname', 'job', 'stage'],
    group_wait: '0s',
    group_interval: '1s',
    repeat_interval: '1h',
  },
  receivers: [{ name: 'test', webhook_configs: [{ url: receiver, send_resolved: true }] }],
})

async function ready(url: string): Promise<void> {
  const deadline = performance.now() + startTimeoutMs
  for (;;) {
    const answer = await request(url).catch(() => undefined)
    await answer?.body.dump()
    if (answer?.statusCode === 200) return
    if (performance.now() > deadline) throw new Error(`${url} was not ready within ${startTimeoutMs / 1000} s`)
    await new Promise(resolve => setTimeout(resolve, 200))
  }
}
