// Clients that others wrote, unchanged, from PyPI.

import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { pythonWith } from '@meshwork/kit/testing'
import t, { type Test } from 'tap'
import { float } from './repository-folder.ts'
import { serve } from './serving.ts'

const execute = promisify(execFile)
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const types = ['float32', 'float64', 'int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64', 'bool']
const kinds = (prefix: string) =>
  [...types, 'string'].map(type => ({ name: `${prefix}_${type}`, type, shape: type === 'int32' ? [-1] : [-1, 1] }))
const half = (name: string) => ({ name, type: 'float16', shape: [-1, 1] })

async function check(t: Test, client: string): Promise<void> {
  const found = await pythonWith(here(`clients/${client}.txt`), here('../../../node_modules/.cache'))
  if ('why' in found) {
    t.pass(`${client} was not tried`, { skip: found.why })
    return
  }
  const { url } = await serve(t, {
    sum: ['sum', { inputs: [float('x', 2)], outputs: [{ ...float('y', 1), labels: ['total'] }] }],
    half: ['half', { inputs: [half('x')], outputs: [half('y')] }],
    kinds: ['kinds', { inputs: kinds('in'), outputs: kinds('out') }],
  })
  await execute(found.interpreter, [here(`clients/check_${client}.py`), new URL(url).host])
  t.pass(`${client} found nothing wrong`)
}

t.test('tritonclient, sync and asyncio: every call it has for models', { timeout: 170_000 }, async t => {
  await check(t, 'triton')
})

const large = {
  timeout: 600_000,
  ...(process.env['MESHWORK_TEST_KSERVE'] ? {} : { skip: 'set MESHWORK_TEST_KSERVE=1: its packages are 450 MB' }),
}
t.test('the REST client of KServe', large, async t => {
  await check(t, 'kserve')
})
