// npm run bench -- NAME [--json] [--quick] [--rounds N]

import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type BenchOptions, type BenchResult, table } from './harness.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
const names = readdirSync(here, { withFileTypes: true })
  .filter(entry => entry.isDirectory() && readdirSync(`${here}/${entry.name}`).includes(`${entry.name}.ts`))
  .map(({ name }) => name)
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
  },
})
/** Names of before. */
const renamed: Readonly<Record<string, string>> = { steps: 'engine' }
const [asked] = positionals
const name = asked === undefined ? undefined : (renamed[asked] ?? asked)
if (name === undefined || !names.includes(name)) {
  console.error(`npm run bench -- NAME [--json] [--quick] [--rounds N]\n\nNames: ${names.join(', ')}`)
  process.exit(2)
}
const { bench } = (await import(`./${name}/${name}.ts`)) as { bench: (options: BenchOptions) => Promise<BenchResult> }
const result = await bench({
  quick: values.quick,
  say: text => console.error(text),
  ...(values.rounds !== undefined && { rounds: Number(values.rounds) }),
})
console.log(table(result))
if (values.json) console.log(JSON.stringify(result))
