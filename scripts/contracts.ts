// Compares the published contracts with those of the last release; fails when one breaks without a new major version.
// With --release the published ones become the released ones. --published and --released name other folders.

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { compareRelease, type OpenApiDocument } from '@meshwork/contracts'

const { values } = parseArgs({
  options: {
    release: { type: 'boolean', default: false },
    published: { type: 'string', default: 'contracts/openapi' },
    released: { type: 'string', default: 'contracts/released' },
  },
})

function documentsIn(folder: string): Map<string, OpenApiDocument> {
  const files = readdirSync(folder).filter(file => /^[a-z0-9-]+\.v\d+\.json$/.test(file))
  const read = (file: string) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as OpenApiDocument
  return new Map(files.map(file => [file.slice(0, -'.json'.length), read(file)]))
}

mkdirSync(values.released, { recursive: true })
const published = documentsIn(values.published)
const today = new Date().toISOString().slice(0, 10)
const reports = compareRelease(documentsIn(values.released), published, today)

let broken = 0
for (const { contract, findings, wayOut } of reports) {
  for (const { level, rule, where, detail } of findings) {
    if (level === 'breaking') broken++
    const say = level === 'breaking' ? console.error : console.log
    say(`${contract}: ${level}: ${where}: ${detail} [${rule}]`)
  }
  if (wayOut !== undefined) console.error(`${contract}: the way out: ${wayOut}`)
}
if (broken > 0) {
  console.error(`contracts: ${broken} breaking ${broken === 1 ? 'change' : 'changes'} without a new major version`)
  process.exitCode = 1
} else if (values.release) {
  for (const file of readdirSync(values.released)) if (file.endsWith('.json')) rmSync(join(values.released, file))
  for (const name of published.keys())
    writeFileSync(join(values.released, `${name}.json`), readFileSync(join(values.published, `${name}.json`)))
  console.log(`contracts: ${published.size} released`)
} else console.log(`contracts: ${reports.length} compared with the last release, none breaks`)
