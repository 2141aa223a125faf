// Images of others: pulled, or where no registry has them, made of the same program, built or as Debian packages it.

import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { program } from '../k8s/tools.ts'
import { bring } from '../observability/programs.ts'
import type { Project } from './docker.ts'

/** What MinIO is in is all that it needs; programs of Debian need its libraries, and a folder of their own. */
const standIns = {
  s3: { bring: async () => await program('minio'), lines: () => ['FROM scratch'] },
  prometheus: {
    bring: async () => await bring('prometheus'),
    lines: (base: string) => [`FROM ${base}`, 'RUN install -d -o 65534 -g 65534 /prometheus'],
  },
  alertmanager: {
    bring: async () => await bring('prometheus-alertmanager'),
    lines: (base: string) => [`FROM ${base}`, 'RUN install -d -o 65534 -g 65534 /alertmanager'],
  },
} as const
type Service = keyof typeof standIns

/** Answers how the images of services of the compose file came here. */
export async function bringImages(project: Project, names: readonly Service[]): Promise<string> {
  const profiles = ['--profile', 's3', '--profile', 'observability']
  const { services } = JSON.parse(await project.compose(...profiles, 'config', '--format', 'json')) as {
    services: Record<string, { image: string; build?: { args: Record<string, string> } }>
  }
  const base = services['gateway']?.build?.args['NODE_IMAGE'] ?? ''
  const told: string[] = []
  for (const name of names) told.push(await bringImage(project, name, services[name]?.image ?? '', base))
  return told.join(', ')
}

async function bringImage(project: Project, name: Service, image: string, base: string): Promise<string> {
  if (await succeeds(project, 'image', 'inspect', image)) return `${image} was there`
  if (await succeeds(project, 'pull', '--quiet', image)) return `${image} was pulled`
  const folder = await mkdtemp(join(tmpdir(), 'meshwork-image-'))
  try {
    await copyFile(await standIns[name].bring(), join(folder, name))
    const lines = [...standIns[name].lines(base), `COPY ${name} /usr/bin/${name}`, `ENTRYPOINT ["/usr/bin/${name}"]`]
    await writeFile(join(folder, 'Dockerfile'), `${lines.join('\n')}\n`)
    await project.docker('build', '--quiet', '--tag', image, folder)
    return `${image} was made here`
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function succeeds(project: Project, ...args: string[]): Promise<boolean> {
  return await project.docker(...args).then(
    () => true,
    () => false,
  )
}
