import t from 'tap'
import { schemasOf, strict } from './crd-schema.ts'

t.test('each version of a definition gets a schema under the name that is asked for', async t => {
  const version = (name: string) => ({ name, schema: { openAPIV3Schema: { type: 'object', properties: {} } } })
  const spec = { group: 'keda.sh', names: { kind: 'ScaledObject' }, versions: [version('v1alpha1'), version('v1')] }
  t.same(
    schemasOf({ spec }).map(({ file }) => file),
    ['keda.sh_scaledobject_v1alpha1.json', 'keda.sh_scaledobject_v1.json'],
  )
})

t.test('objects are closed at every depth, except where the definition leaves them open', async t => {
  const object = (more: object) => ({ type: 'object', properties: { a: { type: 'string' } }, ...more })
  t.equal(strict(object({})).additionalProperties, false)
  t.match(strict({ type: 'array', items: object({}) }), { items: { additionalProperties: false } })
  t.match(strict({ type: 'object', additionalProperties: object({}) }), {
    additionalProperties: { additionalProperties: false },
  })
  t.notOk('additionalProperties' in strict(object({ 'x-kubernetes-preserve-unknown-fields': true })))
  t.notOk('additionalProperties' in strict({ type: 'object' }), 'metadata is looked at elsewhere')
  t.same(strict({ type: 'object', anyOf: [{ properties: { a: {} }, required: ['a'] }] }), {
    type: 'object',
    anyOf: [{ properties: { a: {} }, required: ['a'] }],
  })
  t.same(strict({ type: 'string', nullable: true }), { type: ['string', 'null'] })
})
