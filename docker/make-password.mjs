// node make-password.mjs FILE: writes a random password into FILE, unless there is one.

import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'

const [path = ''] = process.argv.slice(2)
try {
  writeFileSync(path, randomBytes(24).toString('base64url'), { flag: 'wx', mode: 0o444 })
} catch (error) {
  if (error.code !== 'EEXIST') throw error
}
