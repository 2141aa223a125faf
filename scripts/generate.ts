// Writes what is generated into the tree: OpenAPI documents, the error reference, the schema of workflow files,
// Prometheus rules and Grafana dashboards.
// With --check it writes nothing and fails where the tree differs.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { boards } from '../observability/dashboards/all.ts'
import { dashboardJson } from '../observability/dashboards/render.ts'
import { alertReference, metricReference } from '../observability/reference.ts'
import { prometheusRule, rulesFile, testFiles } from '../observability/rules/render.ts'
import { errorReference } from './generate/errors.ts'
import { openApiDocuments } from './generate/openapi.ts'
import { workflowSchema } from './generate/workflow-schema.ts'

const check = process.argv.includes('--check')
const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`

const files = new Map<string, string>([
  ['docs/errors.md', errorReference()],
  ['docs/metrics.md', metricReference()],
  ['docs/runbooks/README.md', alertReference()],
  ['docs/workflow.schema.json', json(workflowSchema())],
  ['observability/prometheus/rules/meshwork.yaml', rulesFile()],
  ['observability/prometheus/slo.test.yaml', testFiles().slo],
  ['observability/prometheus/symptoms.test.yaml', testFiles().symptoms],
  ['k8s/components/monitoring/meshwork-rules.yaml', prometheusRule()],
])
for (const board of boards) files.set(`k8s/components/monitoring/dashboards/${board.uid}.json`, dashboardJson(board))
for (const [name, document] of await openApiDocuments()) files.set(`contracts/openapi/${name}.json`, json(document))

const stale: string[] = []
for (const [path, content] of files) {
  let standing: string | undefined
  try {
    standing = readFileSync(path, 'utf8')
  } catch {
    standing = undefined
  }
  if (standing === content) continue
  stale.push(path)
  if (check) continue
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
}
if (check && stale.length > 0) {
  console.error(`out of date: ${stale.join(', ')}; run npm run generate`)
  process.exitCode = 1
} else if (!check) console.log(stale.length === 0 ? 'nothing to write' : `wrote ${stale.join(', ')}`)
