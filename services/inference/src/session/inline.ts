// A session on the thread of HTTP, for models whose runs take less time than the way to a worker and back.
//
//  I1 One run at a time, of one batch: what arrives meanwhile makes up the next one, after the event loop had its turn.
//  I2 A batch of more rows than were found to be quick goes to the workers.
//  I3 Only models whose operators take as long as the shapes say: no value of a request makes a run long.
//  I4 Where runs take longer than was found, one after the other, everything goes to the workers from then on.

import type { InferenceSession } from 'onnxruntime-node'
import { inferBatch } from './infer-batch.ts'
import type { ModelFile } from './messages.ts'
import { openSession, readModelFile } from './open-session.ts'
import { isSteady } from './operators.ts'
import type { Offer, OnlineBatch, SessionPool } from './pool.ts'

export interface InlineOptions {
  readonly workers: Pick<SessionPool, 'offer'>
  readonly rowsMax: number
}

/** Longer than any run was found to be, several times over; a busy machine makes a single one take as long. */
const slowSeconds = 0.005
const slowRunsMax = 5

export class InlineSession {
  readonly #session: Pick<InferenceSession, 'run' | 'release'>
  readonly #options: InlineOptions
  readonly #offers: Offer[] = []
  #running = false
  #slowRuns = 0

  constructor(session: Pick<InferenceSession, 'run' | 'release'>, options: InlineOptions) {
    this.#session = session
    this.#options = options
  }

  /** undefined for a model that a request could make slow by its values. */
  static async open(file: ModelFile, options: InlineOptions): Promise<InlineSession | undefined> {
    const content = await readModelFile(file)
    return isSteady(content) ? new InlineSession(await openSession(content), options) : undefined
  }

  /** Rows of its longest runs; 0 when it leaves all to the workers. */
  get rowsMax(): number {
    return this.#slowRuns < slowRunsMax ? this.#options.rowsMax : 0
  }

  offer(offer: Offer): void {
    if (this.rowsMax === 0) {
      this.#options.workers.offer(offer)
      return
    }
    this.#offers.push(offer)
    if (!this.#running) void this.#runAll()
  }

  /** When nothing is offered any more. */
  async release(): Promise<void> {
    await this.#session.release()
  }

  async #runAll(): Promise<void> {
    this.#running = true
    for (let offer = this.#offers.shift(); offer !== undefined; offer = this.#offers.shift()) {
      const taken = offer.take()
      if (taken !== undefined) await this.#run(taken)
    }
    this.#running = false
  }

  async #run(taken: OnlineBatch): Promise<void> {
    const { batch } = taken
    const rows = batch.rows.reduce((sum, one) => sum + one, 0)
    if (rows > this.rowsMax) {
      await this.#forward(taken)
      return
    }
    try {
      const answer = await inferBatch(this.#session, batch)
      this.#slowRuns = answer.seconds.infer > slowSeconds ? this.#slowRuns + 1 : 0
      taken.resolve(answer)
    } catch (error) {
      taken.reject(error)
    }
  }

  /** Resolves when a worker has it, so that no more than one waits outside of the queue, which is bounded. */
  async #forward(taken: OnlineBatch): Promise<void> {
    await new Promise<void>(resolve => {
      const take = () => {
        resolve()
        return taken
      }
      this.#options.workers.offer({ quick: false, take })
    })
  }
}
