import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { InferenceSession } from 'onnxruntime-node'
import type { ModelFile } from './messages.ts'
import { RunFault } from './run-batch.ts'

/** The bytes of a model, whose hash is the one that was told. Throws a RunFault. */
export async function readModelFile({ path, sha256 }: ModelFile): Promise<Buffer> {
  const content = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new RunFault({ what: 'unreadable', reason: `the file cannot be read (${error.code ?? error.name})` })
  })
  const actual = createHash('sha256').update(content).digest('hex')
  if (actual !== sha256) throw new RunFault({ what: 'corrupt', actual })
  return content
}

export const openSession = async (content: Buffer): Promise<InferenceSession> =>
  await InferenceSession.create(content, {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    logSeverityLevel: 4,
    extra: { session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } } },
  })
