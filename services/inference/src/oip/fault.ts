/** What a client of the Open Inference Protocol is told: `{"error": message}` with this status. */
export class OipFault extends Error {
  override readonly name = 'OipFault'
  readonly status: number
  readonly retryAfterSeconds: number | undefined

  constructor(status: number, message: string, retryAfterSeconds?: number) {
    super(message)
    this.status = status
    this.retryAfterSeconds = retryAfterSeconds
  }
}

export const badRequest = (message: string): OipFault => new OipFault(400, message)
