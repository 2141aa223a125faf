// npm run conformance -- URL [--model NAME] [--json]

import { parseArgs } from 'node:util'
import { checkServer, shownReport } from './run.ts'

const usage = `npm run conformance -- URL [--model NAME] [--json]

Checks a server of the Open Inference Protocol v2, as http://127.0.0.1:8080, with one of its models. Ends with 1 where it breaks a rule.`

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { model: { type: 'string' }, json: { type: 'boolean', default: false } },
  })
  const [url] = positionals
  if (url === undefined || !URL.canParse(url)) throw new TypeError(usage)
  const report = await checkServer(url, values.model)
  console.log(values.json ? JSON.stringify(report) : shownReport(report))
  process.exitCode = report.findings.some(({ kind }) => kind === 'broken') ? 1 : 0
} catch (error) {
  const { message, cause } = error as Error
  console.error(cause instanceof Error ? `${message}: ${cause.message}` : message)
  process.exitCode = 2
}
