// 10,000 pairs of schemas (or as many as the argument says) for the subtype checker, with a seed that is printed.

import { spawnSync } from 'node:child_process'

const { status } = spawnSync(process.execPath, ['contracts/test/subtype/fuzz.test.ts'], {
  stdio: 'inherit',
  env: { ...process.env, FUZZ_PAIRS: process.argv[2] ?? '10000', TAP_TIMEOUT: '1200' },
})
process.exitCode = status ?? 1
