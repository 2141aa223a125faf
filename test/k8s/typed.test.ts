import t from 'tap'
import { moduleOf } from './typed.ts'

t.test('each object is a line, held against the type of its kind', async t => {
  const objects = [
    { apiVersion: 'v1', kind: 'Service', metadata: { name: 'a' }, spec: { ports: [] } },
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'b' } },
    { apiVersion: 'keda.sh/v1alpha1', kind: 'ScaledObject', metadata: { name: 'c\n' } },
  ]
  t.same(moduleOf(objects).split('\n'), [
    `;({"apiVersion":"v1","kind":"Service","metadata":{"name":"a"},"spec":{"ports":[]}}) satisfies import('kubernetes-models/v1/Service').IService`,
    `;({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"b"}}) satisfies import('kubernetes-models/apps/v1/Deployment').IDeployment`,
    `;({"apiVersion":"keda.sh/v1alpha1","kind":"ScaledObject","metadata":{"name":"c\\n"}}) satisfies import('@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject').IScaledObject`,
    '',
  ])
})
