// One bucket of an S3 server: the few requests that a store makes, each with a key below the prefix.

import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import type { Readable } from 'node:stream'
import type { S3Location } from './location.ts'
import { isPreconditionFailed, s3Failure } from './s3-failure.ts'

export interface UploadedPart {
  readonly PartNumber: number
  readonly ETag: string
}

export interface Fetched {
  readonly body: Readable
  /** Bytes of the whole object. */
  readonly bytes: number
  readonly etag: string | undefined
}

export interface ObjectInfo {
  readonly key: string
  readonly bytes: number
  /** When it was written, milliseconds since 1970 by the server's clock. */
  readonly writtenAt: number
}

const attemptsMax = 5
const connectTimeoutMs = 5000
/** A connection on which nothing moves for so long is given up. */
const idleTimeoutMs = 60_000
const connectionsMax = 64

export class Bucket {
  readonly #client: S3Client
  readonly #bucket: string
  readonly #prefix: string

  constructor({ bucket, prefix, endpoint, region, pathStyle }: S3Location) {
    this.#bucket = bucket
    this.#prefix = prefix
    this.#client = new S3Client({
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(region === undefined ? {} : { region }),
      forcePathStyle: pathStyle,
      maxAttempts: attemptsMax,
      requestHandler: {
        connectionTimeout: connectTimeoutMs,
        socketTimeout: idleTimeoutMs,
        httpAgent: { maxSockets: connectionsMax, keepAlive: true },
        httpsAgent: { maxSockets: connectionsMax, keepAlive: true },
      },
      // Content is verified by its SHA-256; not every server knows the newer checksums.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    })
  }

  /** Makes the bucket unless it is there. */
  async make(): Promise<void> {
    await this.#tell(async () => {
      try {
        await this.#client.send(new CreateBucketCommand({ Bucket: this.#bucket }))
      } catch (error) {
        if (!/^Bucket(AlreadyOwnedByYou|AlreadyExists)$/.test((error as Error).name)) throw error
      }
    })
  }

  /** An object without its content; undefined when it is not there. */
  async head(key: string): Promise<ObjectInfo | undefined> {
    return await this.#unlessMissing(async () => {
      const { ContentLength, LastModified } = await this.#client.send(new HeadObjectCommand(this.#at(key)))
      return { key, bytes: ContentLength ?? 0, writtenAt: LastModified?.getTime() ?? 0 }
    })
  }

  /** Objects whose keys begin so, a page in memory at a time. */
  async *list(start: string): AsyncIterable<ObjectInfo> {
    let token: string | undefined
    do {
      const page = await this.#tell(
        async () =>
          await this.#client.send(
            new ListObjectsV2Command({
              Bucket: this.#bucket,
              Prefix: this.#prefix + start,
              ...(token !== undefined && { ContinuationToken: token }),
            }),
          ),
      )
      for (const { Key = '', Size = 0, LastModified } of page.Contents ?? [])
        yield { key: Key.slice(this.#prefix.length), bytes: Size, writtenAt: LastModified?.getTime() ?? Date.now() }
      token = page.IsTruncated ? page.NextContinuationToken : undefined
    } while (token !== undefined)
  }

  /** The object from a byte on, still the one of `etag`; undefined when it is not there. */
  async get(key: string, from = 0, etag?: string): Promise<Fetched | undefined> {
    return await this.#unlessMissing(async () => {
      const part = from === 0 ? {} : { Range: `bytes=${from}-`, ...(etag === undefined ? {} : { IfMatch: etag }) }
      const {
        Body,
        ContentLength = 0,
        ETag,
      } = await this.#client.send(new GetObjectCommand({ ...this.#at(key), ...part }))
      return { body: Body as Readable, bytes: from + ContentLength, etag: ETag }
    })
  }

  /** With `sha256` (base64) the server refuses content that was damaged on the way. */
  async put(key: string, content: Buffer | string, sha256?: string): Promise<void> {
    const checked = sha256 === undefined ? {} : { ChecksumSHA256: sha256 }
    await this.#tell(async () => {
      await this.#client.send(new PutObjectCommand({ ...this.#at(key), Body: content, ...checked }))
    })
  }

  /** Writes unless there is an object of this key; whether it did. The server decides among many that do it at once. */
  async create(key: string, content: string): Promise<boolean> {
    return await this.#tell(async () => {
      try {
        await this.#client.send(new PutObjectCommand({ ...this.#at(key), Body: content, IfNoneMatch: '*' }))
        return true
      } catch (error) {
        if (isPreconditionFailed(error)) return false
        throw error
      }
    })
  }

  async delete(key: string): Promise<void> {
    await this.#tell(async () => {
      await this.#client.send(new DeleteObjectCommand(this.#at(key)))
    })
  }

  async beginParts(key: string): Promise<string> {
    return await this.#tell(async () => {
      const { UploadId } = await this.#client.send(new CreateMultipartUploadCommand(this.#at(key)))
      if (UploadId === undefined) throw new TypeError('the server gave no id for an upload in parts')
      return UploadId
    })
  }

  async putPart(key: string, upload: string, number: number, content: Buffer): Promise<UploadedPart> {
    return await this.#tell(async () => {
      const part = { ...this.#at(key), UploadId: upload, PartNumber: number, Body: content }
      const { ETag = '' } = await this.#client.send(new UploadPartCommand(part))
      return { PartNumber: number, ETag }
    })
  }

  /** Makes the object of its parts; it is visible from now on. */
  async completeParts(key: string, upload: string, parts: readonly UploadedPart[]): Promise<void> {
    await this.#tell(async () => {
      const MultipartUpload = { Parts: [...parts] }
      await this.#client.send(
        new CompleteMultipartUploadCommand({ ...this.#at(key), UploadId: upload, MultipartUpload }),
      )
    })
  }

  /** Gives the parts up, as far as the server can be reached. */
  async abandonParts(key: string, upload: string): Promise<void> {
    await this.#client.send(new AbortMultipartUploadCommand({ ...this.#at(key), UploadId: upload })).catch(() => {})
  }

  #at(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.#bucket, Key: this.#prefix + key }
  }

  async #unlessMissing<T>(ask: () => Promise<T>): Promise<T | undefined> {
    return await this.#tell(async () => {
      try {
        return await ask()
      } catch (error) {
        const { name } = error as Error
        if (name === 'NoSuchKey' || name === 'NotFound') return undefined
        throw error
      }
    })
  }

  async #tell<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask()
    } catch (error) {
      throw s3Failure(error, this.#bucket)
    }
  }
}
