// Brings the source to this machine: a verified local file and what is known about its bytes.

import { join } from 'node:path'
import type { ArtefactRef } from '@meshwork/contracts'
import type { StageContext } from '@meshwork/kit'
import type { Settings } from '../settings.ts'
import { fetchToFile } from './fetch.ts'

export interface SourceFile {
  readonly path: string
  /** How messages name it. */
  readonly name: string
  readonly sha256: string
  readonly bytes: number
}

export async function acquire(
  source: string | ArtefactRef,
  context: Pick<StageContext, 'store' | 'scratch' | 'signal' | 'progress'>,
  settings: Settings,
): Promise<SourceFile> {
  if (typeof source !== 'string') {
    const path = await context.store.localPath(source.hash)
    const bytes = (await context.store.head(source.hash))?.bytes ?? source.bytes
    return { path, name: nameOf(source), sha256: source.hash, bytes }
  }
  const path = join(context.scratch, 'fetched')
  const onBytes = (bytes: number, total: number | undefined) =>
    context.progress(total ? (0.15 * bytes) / total : 0.01, { message: 'fetching' })
  const fetched = await fetchToFile(source, path, { settings, signal: context.signal, onBytes })
  return { path, name: source.replace(/[?#].*$/s, '').slice(0, 300), ...fetched }
}

export const nameOf = ({ name, hash }: Pick<ArtefactRef, 'name' | 'hash'>): string =>
  name === undefined ? `Upload ${hash.slice(0, 12)}` : `File "${name}"`
