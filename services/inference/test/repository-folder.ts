// A folder of models for a test, from the fixtures.

import { createHash } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

type Put = { readonly name: string; readonly type: string; readonly shape: number[]; readonly columns?: string[] }

export interface Publication {
  readonly version?: number
  readonly inputs: readonly Put[]
  readonly outputs: readonly (Put & { readonly labels?: string[] })[]
  /** What stands in the file instead of the fixture. */
  readonly content?: (fixture: Buffer) => Buffer | string
  /** Changes of the manifest, after everything else. */
  readonly manifest?: (manifest: Record<string, unknown>) => unknown
}

const fixture = async (name: string) => await readFile(new URL(`./fixtures/${name}.onnx`, import.meta.url))

export async function publish(folder: string, name: string, model: string, about: Publication): Promise<void> {
  const version = about.version ?? 1
  const content = await fixture(model)
  const written = about.content?.(content) ?? content
  const manifest = {
    schema: 'meshwork.model/1',
    name,
    version,
    file: 'model.onnx',
    sha256: createHash('sha256').update(written).digest('hex'),
    bytes: written.length,
    inputs: about.inputs,
    outputs: about.outputs,
  }
  const place = join(folder, name, String(version))
  await mkdir(place, { recursive: true })
  await writeFile(join(place, 'model.onnx'), written)
  const last = about.manifest?.(manifest) ?? manifest
  await writeFile(join(place, 'manifest.json'), typeof last === 'string' ? last : JSON.stringify(last))
}

export const float = (name: string, width: number, columns?: string[]): Put => ({
  name,
  type: 'float32',
  shape: [-1, width],
  ...(columns === undefined ? {} : { columns }),
})
