// An existing script as a stage, unchanged: the dataset is written to a file, the script runs, what it wrote becomes
// a dataset. The command is started without a shell; {in}, {out} and {params} in its arguments are replaced by paths.

import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Closed, Column, Count, DatasetRef, Json, MapOf, OneOf, ProblemError } from '@meshwork/contracts'
import Type from 'typebox'
import type { LocalStore } from '../data/open.ts'
import { defineStage, type Stage, type StageContext } from '../stage/define.ts'
import { exportFile, importFile } from './files.ts'

export interface WrapOptions {
  readonly name: string
  readonly version: string
  readonly command: readonly string[]
}

const Input = Closed({
  dataset: DatasetRef,
  format: Type.Optional(
    OneOf(['csv', 'parquet'], { default: 'csv', description: 'Format of the files that the script reads and writes.' }),
  ),
  params: Type.Optional(
    MapOf(Json, {
      maxProperties: 256,
      description: 'Given to the script as the JSON file {params} and in the environment as MESHWORK_PARAMS.',
    }),
  ),
})
const Output = Closed({
  dataset: DatasetRef,
  rows: Count('Rows that the script wrote.'),
  columns: Type.Array(Column, { description: 'Columns that the script wrote.' }),
})
type Input = Type.Static<typeof Input>

const stderrBytesMax = 4096
const killGraceMs = 2000

export function wrapStage(options: WrapOptions): Stage {
  const { name, version, command } = options
  if (command.length === 0)
    throw new TypeError('give the command after --, as in: wrap --name extract -- python extract.py {in} {out}')
  for (const place of ['{in}', '{out}'])
    if (!command.some(part => part.includes(place)))
      throw new TypeError(
        `the command must have ${place}, the path of the file that it ${place === '{in}' ? 'reads' : 'writes'}`,
      )
  return defineStage({
    name,
    version,
    summary: `Runs \`${command.join(' ')}\`.`,
    input: Input,
    output: Output,
    run: (input, context) => run(name, command, input, context),
  })
}

async function run(name: string, command: readonly string[], input: Input, context: StageContext) {
  const format = input.format ?? 'csv'
  const paths = {
    in: join(context.scratch, `in.${format}`),
    out: join(context.scratch, `out.${format}`),
    params: join(context.scratch, 'params.json'),
  }
  const params = JSON.stringify(input.params ?? {})
  const store = context.store as LocalStore
  await writeFile(paths.params, params)
  await exportFile(store, input.dataset, paths.in, context.scratch, format)
  context.progress(0.1, { message: 'running the script' })
  const filled = command.map(part =>
    part.replaceAll('{in}', paths.in).replaceAll('{out}', paths.out).replaceAll('{params}', paths.params),
  )
  await execute(name, filled, { cwd: context.scratch, params, signal: context.signal })
  context.progress(0.8, { message: 'reading what it wrote' })
  if (!existsSync(paths.out)) throw problem(name, 'it ended well but wrote nothing to {out}')
  const { dataset, rows } = await importFile(store, paths.out, context.log, context.signal)
  return { dataset, rows, columns: dataset.columns }
}

async function execute(
  name: string,
  [file = '', ...args]: readonly string[],
  options: { cwd: string; params: string; signal: AbortSignal },
): Promise<void> {
  const child = spawn(file, args, {
    cwd: process.cwd(),
    env: { ...process.env, MESHWORK_PARAMS: options.params, MESHWORK_SCRATCH: options.cwd },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // a group of its own, so that what the script started ends with it
  })
  let told = ''
  const listen = (chunk: Buffer) => {
    told = (told + chunk.toString('utf8')).slice(-stderrBytesMax)
  }
  child.stderr.on('data', listen)
  child.stdout.on('data', listen)
  let grace: NodeJS.Timeout | undefined
  const kill = (signal: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal)
    } catch {
      // the group is gone already
    }
  }
  const abort = () => {
    kill('SIGTERM')
    grace = setTimeout(() => kill('SIGKILL'), killGraceMs)
  }
  options.signal.addEventListener('abort', abort, { once: true })
  try {
    const how = await new Promise<string | undefined>(resolve => {
      child.once('error', error => resolve(`it cannot be started: ${error.message}`))
      child.once('close', (code, signal) =>
        resolve(
          code === 0 ? undefined : `it ended with ${signal ?? `exit code ${code}`}${told ? `: ${told.trim()}` : ''}`,
        ),
      )
    })
    options.signal.throwIfAborted()
    if (how !== undefined) throw problem(name, how)
  } finally {
    clearTimeout(grace)
    options.signal.removeEventListener('abort', abort)
    if (options.signal.aborted) kill('SIGKILL') // what it had started and did not listen
  }
}

const problem = (name: string, how: string): ProblemError =>
  new ProblemError({
    code: 'WRAPPED_COMMAND_FAILED',
    status: 422,
    retryable: false,
    title: 'The wrapped command failed',
    detail: `The command of stage "${name}": ${how}`,
  })
