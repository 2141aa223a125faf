// node make-passwords.mjs FILE...: writes a random password into each file, unless there is one.

import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'

for (const path of process.argv.slice(2))
  try {
    writeFileSync(path, randomBytes(24).toString('base64url'), { flag: 'wx', mode: 0o444 })
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
  }
