import { FileStore } from './file-store.ts'
import type { ArtefactStore } from './store.ts'

/** A store with room on the local disk for work in progress. */
export type LocalStore = ArtefactStore & { readonly scratchRoot: string }

/** Opens the artefact store of a URL: `file:///folder`. Throws a TypeError for a URL it does not know. */
export async function openStore(url: string): Promise<LocalStore> {
  if (url.startsWith('file:')) return await FileStore.open(url)
  throw new TypeError(`store URL "${url}" is not supported; use file:///folder`)
}
