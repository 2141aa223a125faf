// The schema of CycloneDX 1.6, from the package of its project.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import { npm } from '../k8s/tools.ts'

const library = '@cyclonedx/cyclonedx-library@10.1.0'
const own = 'bom-1.6.SNAPSHOT.schema.json'
const others = ['spdx', 'jsf-0.82'].map(name => `${name}.SNAPSHOT.schema.json`)

/** Answers what is wrong with a document, in words. */
export async function billChecker(): Promise<(bill: unknown) => string[]> {
  const folder = join(await npm(library), 'node_modules/@cyclonedx/cyclonedx-library/res/schema')
  const schema = (name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as object
  const ajv = new Ajv({ strict: false, validateFormats: false })
  for (const name of others) ajv.addSchema(schema(name), `http://cyclonedx.org/schema/${name}`)
  const validate = ajv.compile(schema(own))
  return bill =>
    validate(bill) ? [] : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
}
