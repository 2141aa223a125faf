import t from 'tap'
import { databaseUrlOf } from '../src/config.ts'

t.test('a password that stands apart from the address gets into it, whatever it holds', async t => {
  const url = 'postgres://meshwork@postgres:5432/meshwork?sslmode=disable'
  t.equal(databaseUrlOf(url, undefined), url)
  t.equal(databaseUrlOf(undefined, undefined), undefined)
  for (const password of ['plain', 'p@ss:w/rd?#', '100%25', 'å ß'])
    t.equal(decodeURIComponent(new URL(databaseUrlOf(url, password) as string).password), password)
})

t.test('a password without an address, or beside another one, is refused by its key', async t => {
  t.throws(() => databaseUrlOf(undefined, 'x'), { name: 'TypeError', message: /MESHWORK_DATABASE_URL is not/ })
  t.throws(() => databaseUrlOf('postgres://a:b@c/d', 'x'), { name: 'TypeError', message: /keep one of them/ })
})
