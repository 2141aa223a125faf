// What kubeconform and kube-score say, in words.

import { spawn } from 'node:child_process'
import { stringify } from 'yaml'
import type { KubernetesObject } from '../../k8s/policy/objects.ts'
import { schemaTemplate } from './crd-schema.ts'

/** Runs a checker over a text; exit code 1 is how it says that it found something. */
async function ask(command: string, args: readonly string[], input: string): Promise<string> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  child.stdin.on('error', () => {}) // it ended without reading all; its exit code says why
  child.stdin.end(input)
  const code = await new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  if (code !== 0 && code !== 1) throw new Error(`${command} ended with ${String(code)}: ${stderr}`)
  if (stdout === '') throw new Error(`${command} said nothing: ${stderr}`)
  return stdout
}

const yamlOf = (objects: readonly KubernetesObject[]): string =>
  objects.map(object => stringify(object, { aliasDuplicateObjects: false })).join('---\n')

export interface Schemas {
  readonly kubernetes: string
  readonly custom: string
}

/** Objects that do not fit their schema, and kinds that have none. */
export async function schemaFaults(
  kubeconform: string,
  { kubernetes, custom }: Schemas,
  objects: readonly KubernetesObject[],
): Promise<string[]> {
  const locations = [`${kubernetes}/{{ .ResourceKind }}{{ .KindSuffix }}.json`, `${custom}/${schemaTemplate}`]
  const args = ['-strict', '-output', 'json', '-summary', ...locations.flatMap(path => ['-schema-location', path]), '-']
  const { resources = [], summary } = JSON.parse(await ask(kubeconform, args, yamlOf(objects))) as {
    resources?: { kind: string; name: string; status: string; msg: string }[]
    summary: { valid: number; invalid: number; errors: number; skipped: number }
  }
  const faults = resources.map(({ kind, name, status, msg }) => `${kind} ${name}: ${status}: ${msg}`)
  const looked = summary.valid + summary.invalid + summary.errors
  return looked === objects.length ? faults : [...faults, `${objects.length} objects given, ${looked} looked at`]
}

const fine = 10

export interface Remark {
  readonly object: string
  readonly check: string
  readonly text: string
}

/** Everything that kube-score does not find fine. */
export async function scoreRemarks(kubeScore: string, objects: readonly KubernetesObject[]): Promise<Remark[]> {
  const optional = [
    'container-seccomp-profile',
    'pod-networkpolicy',
    'deployment-targeted-by-hpa-does-not-have-replicas-configured',
  ]
  const args = ['score', '--output-format', 'json', ...optional.flatMap(name => ['--enable-optional-test', name]), '-']
  const scored = JSON.parse(await ask(kubeScore, args, yamlOf(objects))) as {
    object_meta: { name: string }
    type_meta: { kind: string }
    checks: {
      check: { id: string }
      grade: number
      skipped: boolean
      comments: { summary: string; description: string }[] | null
    }[]
  }[]
  return scored.flatMap(({ object_meta: { name }, type_meta: { kind }, checks }) =>
    checks
      .filter(({ grade, skipped }) => !skipped && grade < fine)
      .map(({ check, comments }) => ({
        object: `${kind} ${name}`,
        check: check.id,
        text: (comments ?? []).map(({ summary, description }) => `${summary} (${description})`).join('; '),
      })),
  )
}
