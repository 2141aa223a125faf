import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { errorReference } from '../../scripts/generate/errors.ts'
import { errors, type ErrorRow, MeshError, Problem, compile, ProblemError } from '../src/index.ts'

const repository = fileURLToPath(new URL('../../', import.meta.url))
const table = Object.entries(errors as Record<string, ErrorRow>)

t.test('docs/errors.md is the error table (npm run generate)', async t => {
  t.equal(await readFile(`${repository}docs/errors.md`, 'utf8'), errorReference())
})

t.test('every row is a failure that a caller can tell apart and act on', async t => {
  for (const [code, { status, title, message }] of table) {
    t.match(code, /^MESHWORK_[A-Z]+(_[A-Z0-9]+)+$|^MESHWORK_INTERNAL$/)
    t.ok(status >= 400 && status <= 599, `${code} has the status of a failure`)
    t.match(message, /[.?]$/, `${code} says a whole sentence`)
    t.notMatch(title, /[.{}]/, `${code} has a title that is always the same`)
  }
})

t.test('every code of the table is used', async t => {
  let source = ''
  for (const room of ['services', 'orchestrator', 'gateway', 'contracts', 'launcher'])
    for (const path of await readdir(`${repository}${room}`, { recursive: true }))
      if (/(^|\/)src\/.*\.ts$/.test(path) && !path.includes('node_modules') && !path.includes('src/errors/'))
        source += await readFile(`${repository}${room}/${path}`, 'utf8')
  t.same(
    table.map(([code]) => code).filter(code => !source.includes(`'${code}'`)),
    [],
  )
})

t.test('an error crosses processes as it is', async t => {
  const error = new MeshError('MESHWORK_STAGE_BUSY', { stage: 'clean', running: 1, waiting: 2, seconds: 3 })
  t.equal(error.message, 'Stage "clean" has 1 runs in progress and 2 waiting, its limit; try again in 3 s.')
  const problem = error.toProblem({ requestId: 'r' })
  t.same(compile(Problem).check(problem), [])
  t.match(ProblemError.fromProblem(problem), { code: error.code, status: 503, retryable: true, message: error.message })
})
