import t from 'tap'
import { newEnough } from './tools.ts'

t.test('a Go that is older than what is built, or none, is not used', async t => {
  t.ok(newEnough('go version go1.26.8 linux/amd64'))
  t.ok(newEnough('go version go1.30 darwin/arm64'))
  t.notOk(newEnough('go version go1.24.13 linux/amd64'))
  t.notOk(newEnough('bash: go: command not found'))
  t.notOk(newEnough(undefined))
})
