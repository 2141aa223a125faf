// Makes the passwords of a mesh on one machine, each once: of the database, of Grafana, of the S3 server.

import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'

const folder = '/var/lib/meshwork'

once(`${folder}/secrets/database-password`, password())
once(`${folder}/secrets/grafana-password`, password())
const secret = once(`${folder}/s3/password`, password())
once(`${folder}/s3/credentials`, `[default]\naws_access_key_id = meshwork\naws_secret_access_key = ${secret}\n`)

function password() {
  return randomBytes(24).toString('base64url')
}

/** The content of a file, which is written unless it is there. */
function once(path, content) {
  try {
    writeFileSync(path, content, { flag: 'wx', mode: 0o444 })
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
  }
  return readFileSync(path, 'utf8')
}
