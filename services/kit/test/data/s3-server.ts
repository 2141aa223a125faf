// A real S3 server for tests: the one of MESHWORK_TEST_S3 (a store URL; AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY
// beside it), or a MinIO of our own, on a free port of the loopback address, in a folder that goes with the test.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import type { Test } from 'tap'

export const noServer = 'no S3 server: npm run test:s3 brings one; or set MESHWORK_TEST_S3, or have minio on the path'

export interface S3Server {
  readonly endpoint: string
  readonly bucket: string
  /** A store of its own in the bucket, with its cache in a folder of the test. */
  storeUrl(t: Test): string
}

const startTimeoutMs = 30_000

/** Undefined when there is none on this machine. */
export async function startS3(t: Test): Promise<S3Server | undefined> {
  const given = process.env['MESHWORK_TEST_S3']
  if (given !== undefined) {
    const { hostname, searchParams } = new URL(given)
    return server(searchParams.get('endpoint') ?? '', hostname)
  }
  const minio = binary()
  if (minio === undefined) return undefined
  process.env['AWS_ACCESS_KEY_ID'] = 'meshwork-test'
  process.env['AWS_SECRET_ACCESS_KEY'] = randomUUID()
  const folder = await mkdtemp(join(tmpdir(), 'meshwork-minio-'))
  const endpoint = `http://127.0.0.1:${await freePort()}`
  const child = spawn(minio, ['server', '--quiet', '--address', endpoint.slice('http://'.length), folder], {
    env: {
      PATH: process.env['PATH'],
      HOME: folder,
      MINIO_ROOT_USER: process.env['AWS_ACCESS_KEY_ID'],
      MINIO_ROOT_PASSWORD: process.env['AWS_SECRET_ACCESS_KEY'],
      MINIO_BROWSER: 'off',
      MINIO_UPDATE: 'off',
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  t.teardown(async () => {
    await ended(child)
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  })
  await untilReady(endpoint, child)
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true })
  await client.send(new CreateBucketCommand({ Bucket: 'meshwork' }))
  client.destroy()
  return server(endpoint, 'meshwork')
}

const server = (endpoint: string, bucket: string): S3Server => ({
  endpoint,
  bucket,
  storeUrl: t => `s3://${bucket}/${randomUUID()}?${new URLSearchParams({ endpoint, cache: t.testdir() }).toString()}`,
})

function binary(): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), join(homedir(), 'go', 'bin')]
  try {
    folders.push(join(execFileSync('go', ['env', 'GOPATH'], { encoding: 'utf8' }).trim(), 'bin'))
  } catch {
    // there is no Go here
  }
  return folders.map(folder => join(folder, 'minio')).find(existsSync)
}

async function freePort(): Promise<number> {
  const probe = createServer()
  return await new Promise((resolve, reject) => {
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => resolve(port))
    })
  })
}

async function untilReady(endpoint: string, child: ChildProcess): Promise<void> {
  for (const until = performance.now() + startTimeoutMs; performance.now() < until; await sleep(50)) {
    if (child.exitCode !== null) break
    const answer = await fetch(`${endpoint}/minio/health/ready`).catch(() => undefined)
    if (answer?.ok) return
  }
  throw new Error(`minio did not come up at ${endpoint}`)
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  await new Promise<void>(resolve => {
    child.once('exit', () => resolve())
    child.kill('SIGKILL')
  })
}
