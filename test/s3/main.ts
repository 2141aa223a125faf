// npm run test:s3: the contract of the store, and what is particular to buckets, against a real S3 server: the MinIO of
// docker-compose.yml, built from its Go module, or the one that MESHWORK_TEST_S3 names. Nothing is skipped.

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { repository } from '../../launcher/src/mesh.ts'
import { program } from '../k8s/tools.ts'

const suite = 'services/kit/test/data/s3-store.test.ts'
const given = process.env['MESHWORK_TEST_S3']
const path =
  given === undefined ? `${dirname(await program('minio'))}${delimiter}${process.env['PATH']}` : process.env['PATH']
const { status } = spawnSync(process.execPath, ['scripts/test.ts', suite], {
  cwd: repository,
  env: { ...process.env, PATH: path },
  stdio: 'inherit',
})
const results = readFileSync(join(repository, '.tap/results.tap'), 'utf8')
const skipped = results.split('\n').filter(line => /# SKIP.*S3/i.test(line))
if (skipped.length > 0) console.error(`skipped: ${skipped.join('; ')}`)
process.exitCode = status === 0 && skipped.length === 0 ? 0 : 1
