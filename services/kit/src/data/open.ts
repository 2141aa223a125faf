import { FileStore } from './file-store.ts'
import type { ArtefactStore } from './store.ts'

/** A store with room on the local disk for work in progress. */
export type LocalStore = ArtefactStore & {
  readonly scratchRoot: string
  /** Tries to write a few bytes. Throws MESHWORK_STORE_FULL or MESHWORK_STORE_UNAVAILABLE when nothing can be put. */
  check(): Promise<void>
}

/** What a store URL begins with, for the schemas of settings. */
export const storeUrlPattern = '^(file:///|s3://)'

/** Opens the artefact store of a URL: `file:///folder` or `s3://bucket/prefix`. Throws a TypeError for one it does not know. */
export async function openStore(url: string): Promise<LocalStore> {
  if (url.startsWith('file:')) return await FileStore.open(url)
  if (url.startsWith('s3:')) {
    const { S3Store } = await import('./s3/s3-store.ts') // half a second of loading that a folder does not need
    return await S3Store.open(url)
  }
  throw new TypeError(`store URL "${url}" is not supported; use file:///folder or s3://bucket/prefix`)
}
