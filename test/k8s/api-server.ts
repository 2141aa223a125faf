// A real API server of Kubernetes on a real etcd, without nodes: it checks, defaults and admits what it is given as in a
// cluster, and nothing runs. Built from their Go modules, which takes minutes the first time.

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePorts } from '../../launcher/src/free-port.ts'
import { cache, go, goBuild } from './tools.ts'

export const apiServerVersion = '1.36.3'
const startTimeoutMs = 120_000
const lookEveryMs = 250
const endTimeoutMs = 10_000

export interface ApiServer {
  /** Runs kubectl against it; answers its exit code and what it said. */
  kubectl(args: readonly string[], input?: string): Promise<{ code: number; stdout: string; stderr: string }>
  end(): Promise<void>
}

export async function startApiServer(): Promise<ApiServer> {
  const { apiServer, etcd } = await build()
  const folder = mkdtempSync(join(cache, 'server-'))
  const token = randomBytes(24).toString('hex')
  writeFileSync(join(folder, 'tokens.csv'), `${token},tester,1,system:masters\n`, { mode: 0o600 })
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  writeFileSync(join(folder, 'accounts.key'), privateKey, { mode: 0o600 })
  writeFileSync(join(folder, 'accounts.pub'), publicKey)
  const [port = 0, clients = 0, peers = 0] = await freePorts(3)
  const at = (number: number) => `http://127.0.0.1:${number}`
  const children = [
    run(folder, 'etcd', etcd, [
      `--data-dir=${join(folder, 'etcd')}`,
      `--listen-client-urls=${at(clients)}`,
      `--advertise-client-urls=${at(clients)}`,
      `--listen-peer-urls=${at(peers)}`,
      `--initial-advertise-peer-urls=${at(peers)}`,
      `--initial-cluster=default=${at(peers)}`,
      '--unsafe-no-fsync',
    ]),
    run(folder, 'kube-apiserver', apiServer, [
      `--etcd-servers=${at(clients)}`,
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1',
      `--secure-port=${port}`,
      `--cert-dir=${join(folder, 'certificates')}`,
      `--token-auth-file=${join(folder, 'tokens.csv')}`,
      '--authorization-mode=AlwaysAllow',
      '--service-account-issuer=https://127.0.0.1',
      `--service-account-key-file=${join(folder, 'accounts.pub')}`,
      `--service-account-signing-key-file=${join(folder, 'accounts.key')}`,
      '--service-cluster-ip-range=10.0.0.0/16',
      // Nothing makes the accounts' tokens here, and pods do not have them anyway.
      '--disable-admission-plugins=ServiceAccount',
    ]),
  ]
  const end = async () => {
    for (const child of children.toReversed()) await endChild(child)
    rmSync(folder, { recursive: true, force: true })
  }
  const access = [`--server=https://127.0.0.1:${port}`, '--insecure-skip-tls-verify', `--token=${token}`]
  const kubectl: ApiServer['kubectl'] = async (args, input) => await ask('kubectl', [...access, ...args], input)
  try {
    await untilReady(kubectl, children, folder)
    return { kubectl, end }
  } catch (error) {
    await end()
    throw error
  }
}

/** Both programs. What their modules replace by folders that their archives do not have is published as modules. */
async function build(): Promise<{ apiServer: string; etcd: string }> {
  const folder = join(cache, `api-server-${apiServerVersion}`)
  const { GoMod } = JSON.parse(await go(['list', '-m', '-json', `k8s.io/kubernetes@v${apiServerVersion}`])) as {
    GoMod: string
  }
  const theirs = readFileSync(GoMod, 'utf8')
  const staged = [...theirs.matchAll(/^\s*(k8s\.io\/[\w-]+) => \.\/staging\//gm)].map(([, name]) => name as string)
  const lines = [
    ...[/^go .*$/m, /^godebug .*$/m].map(line => line.exec(theirs)?.[0] ?? ''),
    `require k8s.io/kubernetes v${apiServerVersion}`,
    `require go.etcd.io/etcd/server/v3 ${/go\.etcd\.io\/etcd\/server\/v3 (v\S+)/.exec(theirs)?.[1]}`,
    ...staged.map(name => `replace ${name} => ${name} v0.${apiServerVersion.replace(/^1\./, '')}`),
  ]
  return {
    etcd: await goBuild({ folder, name: 'etcd', main: 'go.etcd.io/etcd/server/v3', lines }),
    apiServer: await goBuild({ folder, name: 'kube-apiserver', main: 'k8s.io/kubernetes/cmd/kube-apiserver', lines }),
  }
}

function run(folder: string, name: string, command: string, args: readonly string[]): ChildProcess {
  const child = spawn(command, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  const log = join(folder, `${name}.log`)
  const note = (text: Buffer) => writeFileSync(log, text, { flag: 'a' })
  child.stdout.on('data', note)
  child.stderr.on('data', note)
  return child
}

async function untilReady(
  kubectl: ApiServer['kubectl'],
  children: readonly ChildProcess[],
  folder: string,
): Promise<void> {
  const signal = AbortSignal.timeout(startTimeoutMs)
  for (;;) {
    const gone = children.find(({ exitCode, signalCode }) => exitCode !== null || signalCode !== null)
    if (gone || signal.aborted) {
      const log = join(folder, 'kube-apiserver.log')
      throw new Error(`the API server did not start: ${existsSync(log) ? readFileSync(log, 'utf8').slice(-2000) : ''}`)
    }
    const { code } = await kubectl(['get', '--raw', '/readyz'])
    if (code === 0) return
    await new Promise(resolve => setTimeout(resolve, lookEveryMs))
  }
}

async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise(resolve => child.once('exit', resolve))
  const timer = setTimeout(() => child.kill('SIGKILL'), endTimeoutMs)
  child.kill('SIGTERM')
  await ended
  clearTimeout(timer)
}

const outputBytesMax = 64 * 1024 * 1024

async function ask(command: string, args: readonly string[], input = ''): ReturnType<ApiServer['kubectl']> {
  return await new Promise((resolve, reject) => {
    const child = execFile(command, args, { maxBuffer: outputBytesMax }, (error, stdout, stderr) => {
      if (error && typeof error.code !== 'number') reject(error)
      else resolve({ code: Number(error?.code ?? 0), stdout, stderr })
    })
    child.stdin?.on('error', () => {}) // it ended without reading all; its exit code says why
    child.stdin?.end(input)
  })
}
