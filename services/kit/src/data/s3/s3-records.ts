import { createHash } from 'node:crypto'
import { MeshError } from '@meshwork/contracts'
import { recordSpacePattern } from '../file-records.ts'
import type { RecordStore } from '../store.ts'
import type { Bucket } from './bucket.ts'

const triesMax = 20
const recordBytesMax = 16 * 1024 * 1024

/** Records as objects. `create` is a conditional write, which the server does for one of many callers. */
export class S3Records implements RecordStore {
  readonly #bucket: Bucket

  constructor(bucket: Bucket) {
    this.#bucket = bucket
  }

  async create(space: string, name: string, value: unknown): Promise<{ created: boolean; value: unknown }> {
    const key = keyOf(space, name)
    for (let tries = 0; tries < triesMax; tries++) {
      if (await this.#bucket.create(key, JSON.stringify(value))) return { created: true, value }
      const standing = await this.#read(key)
      if (standing !== undefined) return { created: false, value: standing }
    }
    throw new MeshError('MESHWORK_STORE_UNAVAILABLE', { reason: `record ${key} came and went ${triesMax} times` })
  }

  async replace(space: string, name: string, value: unknown): Promise<void> {
    await this.#bucket.put(keyOf(space, name), JSON.stringify(value))
  }

  async read(space: string, name: string): Promise<unknown> {
    return await this.#read(keyOf(space, name))
  }

  async delete(space: string, name: string): Promise<void> {
    await this.#bucket.delete(keyOf(space, name))
  }

  async removeOld(before: number, dryRun: boolean): Promise<number> {
    let count = 0
    for await (const { key, writtenAt } of this.#bucket.list('records/')) {
      if (writtenAt >= before) continue
      count++
      if (!dryRun) await this.#bucket.delete(key)
    }
    return count
  }

  async #read(key: string): Promise<unknown> {
    const fetched = await this.#bucket.get(key)
    if (!fetched) return undefined
    if (fetched.bytes > recordBytesMax) {
      fetched.body.destroy()
      throw new MeshError('MESHWORK_STORE_UNAVAILABLE', { reason: `record ${key} has ${fetched.bytes} bytes` })
    }
    const chunks: Buffer[] = []
    for await (const chunk of fetched.body as AsyncIterable<Buffer>) chunks.push(chunk)
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown
  }
}

function keyOf(space: string, name: string): string {
  if (!recordSpacePattern.test(space)) throw new TypeError(`"${space}" is not a record space`)
  return `records/${space}/${createHash('sha256').update(name).digest('hex')}.json`
}
