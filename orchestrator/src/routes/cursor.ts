import { MeshError } from '@meshwork/contracts'

/** Where a page of runs ended. */
export interface Cursor {
  readonly at: string
  readonly id: string
}

export const writeCursor = (cursor: Cursor): string =>
  Buffer.from(JSON.stringify([cursor.at, cursor.id])).toString('base64url')

export function readCursor(text: string): Cursor {
  try {
    const [at, id] = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as [string, string]
    if (!Number.isNaN(Date.parse(at)) && /^[0-9a-f-]{36}$/.test(id)) return { at, id }
  } catch {
    // told below
  }
  throw new MeshError('MESHWORK_REQUEST_INVALID', { what: 'The cursor', problems: 'it is not the `next` of a page' })
}
