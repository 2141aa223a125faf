// What a new mesh knows from the start: the fitted features of the models in the store, and the example workflows.

import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { request } from 'undici'
import { repository } from './mesh.ts'

export interface Seeded {
  readonly workflows: readonly string[]
}

export async function seedMesh(url: string): Promise<Seeded> {
  for await (const path of fittedFeatures()) {
    const put = await request(`${url}/v1/artefacts?name=features.json`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: await readFile(path),
    })
    if (put.statusCode !== 201) throw new Error(`${path} could not be put into the store: ${await put.body.text()}`)
    await put.body.dump()
  }
  const folder = join(repository, 'workflows')
  const files = (await readdir(folder)).filter(name => name.endsWith('.yaml')).sort()
  const workflows: string[] = []
  for (const file of files) workflows.push(await registerWorkflow(url, join(folder, file)))
  return { workflows }
}

/** Registers a workflow file; throws with everything that is wrong with it. Answers its name. */
export async function registerWorkflow(url: string, path: string): Promise<string> {
  const answer = await request(`${url}/v1/workflows`, {
    method: 'POST',
    headers: { 'content-type': 'application/yaml' },
    body: await readFile(path),
  })
  const body = (await answer.body.json()) as { name?: string; detail?: string }
  if (answer.statusCode > 201) throw new Error(`${path} is not accepted: ${body.detail}`)
  return body.name as string
}

async function* fittedFeatures(): AsyncGenerator<string> {
  const models = join(repository, 'models')
  for (const model of await readdir(models, { withFileTypes: true })) {
    if (!model.isDirectory()) continue
    for (const version of await readdir(join(models, model.name), { withFileTypes: true })) {
      const path = join(models, model.name, version.name, 'features.json')
      if (version.isDirectory() && (await readFile(path).catch(() => undefined))) yield path
    }
  }
}
