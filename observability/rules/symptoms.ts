// What is wrong right now, whatever it does to the objectives yet.

import type { Alert } from './rule.ts'
import { away } from './symptoms/away.ts'
import { database } from './symptoms/database.ts'
import { models } from './symptoms/models.ts'
import { process } from './symptoms/process.ts'
import { promises } from './symptoms/promises.ts'
import { queue } from './symptoms/queue.ts'
import { store } from './symptoms/store.ts'

export const symptoms: readonly Alert[] = [...away, ...queue, ...promises, ...store, ...process, ...models, ...database]
