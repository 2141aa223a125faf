// The monitors of all versions, also of those that answer no more: labels come when a newer version has long taken over.

import type { ModelManifest } from '@meshwork/contracts'
import { Predictions } from './memory.ts'
import { QualityMonitor, type QualitySettings } from './monitor.ts'
import { type QualityTask, taskOf } from './task.ts'

export interface Watched {
  readonly model: string
  readonly version: string
  readonly sha256: string
  /** Figures of its training. */
  readonly trained: Readonly<Record<string, unknown>> | undefined
  /** A sentence where there is nothing that labels could be compared with. */
  readonly monitor: QualityMonitor | string
}

/** Versions of a model whose monitors are kept, the last to be served. */
const versionsMax = 8
const modelsMax = 1000

export class QualityBook {
  readonly settings: QualitySettings
  readonly predictions: Predictions
  readonly #models = new Map<string, Map<string, Watched>>()

  /** `rememberBytes`: for what was said to requests with an id; 0 remembers nothing. */
  constructor(settings: QualitySettings & { readonly rememberBytes: number }) {
    this.settings = settings
    this.predictions = new Predictions(settings.rememberBytes)
  }

  /** Of a version that begins to answer; it goes on where it was when the same file comes back. */
  open(manifest: ModelManifest): QualityMonitor | undefined {
    const { name: model, sha256, metrics: trained } = manifest
    const version = String(manifest.version)
    const versions = this.#models.get(model) ?? new Map<string, Watched>()
    const task = taskOf(manifest)
    const known = versions.get(version)
    const same = known?.sha256 === sha256 && JSON.stringify(taskIn(known)) === JSON.stringify(task)
    const monitor = same
      ? known.monitor
      : typeof task === 'string'
        ? task
        : this.#monitor(`${model}/${version}/${sha256}`, task)
    versions.delete(version)
    versions.set(version, { model, version, sha256, trained, monitor })
    this.#models.delete(model)
    this.#models.set(model, versions)
    dropOldest(versions, versionsMax)
    dropOldest(this.#models, modelsMax)
    return typeof monitor === 'string' ? undefined : monitor
  }

  #monitor(owner: string, task: QualityTask): QualityMonitor {
    return new QualityMonitor(owner, task, this.predictions, this.settings)
  }

  find(model: string, version: string): Watched | undefined {
    return this.#models.get(model)?.get(version)
  }

  /** The last to be served first. */
  versionsOf(model: string): Watched[] {
    return [...(this.#models.get(model)?.values() ?? [])].reverse()
  }

  *all(): Iterable<Omit<Watched, 'monitor'> & { readonly monitor: QualityMonitor }> {
    for (const versions of this.#models.values())
      for (const watched of versions.values()) {
        const { monitor } = watched
        if (typeof monitor !== 'string') yield { ...watched, monitor }
      }
  }
}

const taskIn = ({ monitor }: Watched) => (typeof monitor === 'string' ? monitor : monitor.task)

function dropOldest<T>(map: Map<string, T>, max: number): void {
  for (const oldest of map.keys()) {
    if (map.size <= max) return
    map.delete(oldest)
  }
}
