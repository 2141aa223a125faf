// A service as a process of its own, ended with what is measured.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** Starts a service, a file of the repository or one by its whole path, and answers its address. */
export async function startService(
  file: string,
  args: string[],
  env: Record<string, string>,
  ends: (() => unknown)[],
): Promise<string> {
  const path = file.startsWith('/') ? file : fileURLToPath(new URL(`../${file}`, import.meta.url))
  const child: ChildProcess = fork(path, args, { execArgv: [], env: { ...process.env, ...env } })
  const exited = once(child, 'exit')
  ends.push(async () => {
    child.kill('SIGTERM')
    await exited
  })
  const [message] = (await once(child, 'message')) as [{ url: string }]
  return message.url
}
