// DBOS Transact as a peer: installed once into the cache of the repository.

import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const version = '5.3.0'

/** Path of the program, beside its packages. */
export function dbosApp(cache: string, say: (text: string) => void): string {
  const folder = join(cache, `dbos-${version}`)
  const app = join(folder, 'app.mjs')
  if (!existsSync(join(folder, 'node_modules', '@dbos-inc'))) {
    say('  installing DBOS (once) …')
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'package.json'), '{ "private": true }')
    const args = ['install', '--silent', '--no-fund', '--no-audit', `@dbos-inc/dbos-sdk@${version}`]
    execFileSync('npm', args, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] })
  }
  copyFileSync(fileURLToPath(new URL('dbos-app.mjs', import.meta.url)), app)
  return app
}
