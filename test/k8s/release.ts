// The step of the release that puts digests in place of tags, as the pipeline runs it, in a copy. Nothing is signed.

import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { policyFaults } from '../../k8s/policy/all.ts'
import { workloadsOf } from '../../k8s/policy/objects.ts'
import { services } from '../../k8s/policy/settings.ts'
import { render } from '../../k8s/test/render.ts'
import { repository } from '../../launcher/src/mesh.ts'
import { cache, program } from './tools.ts'

const registry = 'ghcr.io/owner/meshwork'
const named = new RegExp(`^${registry}/[a-z-]+@sha256:[0-9a-f]{64}$`)

export async function releaseFaults(): Promise<string[]> {
  const folder = join(cache, `release-${process.pid}`)
  const bin = join(folder, 'bin')
  mkdirSync(join(folder, 'images'), { recursive: true })
  mkdirSync(bin)
  try {
    cpSync(join(repository, 'k8s'), join(folder, 'k8s'), { recursive: true })
    for (const [at, service] of services.entries())
      writeFileSync(
        join(folder, `images/${service}.digest`),
        `${registry}/${service}@sha256:${String(at).padStart(64, '0')}\n`,
      )
    writeFileSync(join(bin, 'cosign'), '#!/bin/sh\n', { mode: 0o755 })
    symlinkSync(await program('kustomize'), join(bin, 'kustomize'))
    const { status, stdout, stderr } = spawnSync('bash', ['-euo', 'pipefail', '-c', stepOfRelease()], {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, PATH: `${bin}:${process.env['PATH']}`, GITHUB_REF_NAME: 'v0.0.0' },
    })
    if (status !== 0) return [`it ended with ${status}: ${`${stdout}${stderr}`.slice(0, 1000)}`]
    return ['staging', 'production'].flatMap(name =>
      overlayFaults(join(folder, 'k8s/overlays', name), bin).map(fault => `${name}: ${fault}`),
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function stepOfRelease(): string {
  const { jobs } = parse(readFileSync(join(repository, '.github/workflows/release.yml'), 'utf8')) as {
    jobs: { manifests: { steps: { run?: string }[] } }
  }
  const step = jobs.manifests.steps.find(({ run }) => run?.includes('kustomize edit set image'))
  return step?.run ?? 'echo "release.yml has no step that sets images" >&2; exit 1'
}

function overlayFaults(folder: string, bin: string): string[] {
  const objects = render(folder, [join(bin, 'kustomize'), 'build'])
  const images = workloadsOf(objects).flatMap(({ name, pod }) =>
    [...pod.containers, ...(pod.initContainers ?? [])].map(({ image }) => ({ name, image })),
  )
  return [
    ...policyFaults(objects),
    ...images.filter(({ image }) => !named.test(image)).map(({ name, image }) => `${name} has the image ${image}`),
  ]
}
