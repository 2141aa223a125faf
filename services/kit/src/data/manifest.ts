// Manifests of datasets: pure changes of them, and reading and writing them through a store.

import {
  canonicalJson,
  type Column,
  type ColumnGroup,
  compile,
  DatasetManifest,
  type DatasetPart,
  type DatasetRef,
  MeshError,
} from '@meshwork/contracts'
import type { ArtefactStore } from './store.ts'

const manifestBytesMax = 256 * 1024 * 1024

export async function readManifest(store: ArtefactStore, hash: string): Promise<DatasetManifest> {
  const refuse = (reason: string) => new MeshError('MESHWORK_DATASET_INVALID', { hash, reason })
  const content = await store.read(hash, manifestBytesMax)
  let manifest: unknown
  try {
    manifest = JSON.parse(content.toString('utf8'))
  } catch {
    throw refuse('it is not JSON')
  }
  const problem = compile(DatasetManifest).check(manifest)[0]
  if (problem) throw refuse(`${problem.pointer} ${problem.detail}`)
  const checked = manifest as DatasetManifest
  if (!sameGroups(checked.parts)) throw refuse('its parts do not have the same column groups')
  return checked
}

export async function writeManifest(store: ArtefactStore, manifest: DatasetManifest): Promise<DatasetRef> {
  const { hash } = await store.put(canonicalJson(manifest))
  return {
    kind: 'dataset',
    hash,
    rows: manifest.rows,
    bytes: bytesOf(manifest),
    parts: manifest.parts.length,
    columns: manifest.columns,
  }
}

export function manifestOf(columns: readonly Column[], parts: readonly DatasetPart[]): DatasetManifest {
  return {
    schema: 'meshwork.dataset/1',
    columns: [...columns],
    rows: parts.reduce((sum, part) => sum + part.rows, 0),
    parts: [...parts],
  }
}

/** The manifest with one more column group in each part; `groups[i]` belongs to part i and has its rows. */
export function withGroups(manifest: DatasetManifest, columns: readonly Column[], groups: readonly ColumnGroup[]) {
  if (groups.length !== manifest.parts.length) throw new Error('a group for each part')
  const parts = manifest.parts.map((part, i) => ({ ...part, groups: [...part.groups, groups[i] as ColumnGroup] }))
  return { ...manifest, columns: [...manifest.columns, ...columns], parts }
}

/** The manifest with these columns only, in this order; groups that hold none of them are left out. */
export function project(manifest: DatasetManifest, names: readonly string[]): DatasetManifest {
  const columns = names.map(name => {
    const column = manifest.columns.find(candidate => candidate.name === name)
    if (!column) throw new Error(`no column ${name}`)
    return column
  })
  const kept = new Set(names)
  const narrow = (group: ColumnGroup) => ({ ...group, columns: group.columns.filter(({ name }) => kept.has(name)) })
  const parts = manifest.parts.map(part => ({
    ...part,
    groups: part.groups.map(narrow).filter(group => group.columns.length > 0),
  }))
  return { ...manifest, columns, parts }
}

const bytesOf = (manifest: DatasetManifest): number =>
  manifest.parts.reduce((sum, part) => sum + part.groups.reduce((inner, group) => inner + group.bytes, 0), 0)

function sameGroups(parts: readonly DatasetPart[]): boolean {
  const shape = (part: DatasetPart) =>
    part.groups.map(group => group.columns.map(({ name }) => name).join('\n')).join('\f')
  const first = parts[0] && shape(parts[0])
  return parts.every(part => shape(part) === first)
}
