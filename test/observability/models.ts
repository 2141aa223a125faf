// The models of the repository, with a second version of one that answers a part of the requests and shadows the rest.

import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { repository } from '../../launcher/src/mesh.ts'

const traffic = {
  schema: 'meshwork.traffic/1',
  weights: { 1: 80, 2: 20 },
  shadow: { version: 2, share: 0.5 },
}

export async function copyModels(folder: string): Promise<void> {
  for (const name of ['seed', 'flight-delay'])
    await cp(join(repository, 'models', name), join(folder, name), { recursive: true })
  const seed = join(folder, 'seed')
  await cp(join(seed, '1'), join(seed, '2'), { recursive: true })
  const manifest = join(seed, '2/manifest.json')
  const first = JSON.parse(await readFile(manifest, 'utf8')) as Record<string, unknown>
  await writeFile(manifest, JSON.stringify({ ...first, version: 2 }))
  await writeFile(join(seed, 'traffic.json'), JSON.stringify(traffic))
}
