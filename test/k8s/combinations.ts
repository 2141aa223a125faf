// Every way to put the components together: one database, one store, at most one autoscaler of stages, and of the rest
// any.

export interface Combination {
  readonly name: string
  readonly components: readonly string[]
}

/** The components of a tree, from the names of their folders. */
export function combinations(components: readonly string[]): Combination[] {
  const of = (holds: (name: string) => boolean) => components.filter(holds).sort()
  const databases = of(name => name.startsWith('database-'))
  const stores = of(name => name.startsWith('store-'))
  const stageScalers = of(name => name.endsWith('-stages'))
  const others = of(name => ![...databases, ...stores, ...stageScalers].includes(name))
  return databases.flatMap(database =>
    stores.flatMap(store =>
      [[], ...stageScalers.map(name => [name])].flatMap(scaler =>
        subsets(others).map(rest => {
          const taken = [database, store, ...scaler, ...rest]
          return { name: taken.join('+'), components: taken }
        }),
      ),
    ),
  )
}

/** `up` is the way from the folder of the kustomization to k8s/. */
export function kustomizationOf({ components: taken }: Combination, up: string): string {
  const namespace = 'meshwork-combination'
  const bucket = 's3://meshwork?cache=/var/lib/meshwork/cache&cacheBytes=8589934592'
  const text = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    namespace,
    resources: [`${up}/base`],
    components: taken.map(name => `${up}/components/${name}`),
    labels: [
      {
        pairs: { 'app.kubernetes.io/part-of': 'meshwork', 'app.kubernetes.io/instance': 'combination' },
        includeTemplates: true,
      },
      { pairs: { 'app.kubernetes.io/version': '0.1.0', 'app.kubernetes.io/managed-by': 'kustomize' } },
    ],
    ...(taken.includes('store-s3')
      ? { configMapGenerator: [{ name: 'settings', behavior: 'merge', literals: [`MESHWORK_STORE_URL=${bucket}`] }] }
      : {}),
    // As the comment in keda-stages says it.
    ...(taken.includes('keda-stages') ? { replacements: [namespaceOfQueries] } : {}),
  }
  return JSON.stringify(text, null, 2)
}

const namespaceOfQueries = {
  source: { kind: 'Namespace', fieldPath: 'metadata.name' },
  targets: [
    {
      select: { kind: 'ScaledObject' },
      fieldPaths: ['spec.triggers.0.metadata.query'],
      options: { delimiter: '"', index: 3 },
    },
  ],
}

function subsets<T>(items: readonly T[]): T[][] {
  return items.reduce<T[][]>((sets, item) => [...sets, ...sets.map(set => [...set, item])], [[]])
}
