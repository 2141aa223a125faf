// What the demo asks of the gateway.

import { createReadStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import type { ArtefactRef, RunEvent, RunView, StepView, UploadAnswer } from '@meshwork/contracts'
import { request } from 'undici'

export class Api {
  readonly #url: string

  constructor(url: string) {
    this.#url = url
  }

  async upload(path: string): Promise<ArtefactRef> {
    const answer = await this.#ask<UploadAnswer>('PUT', '/v1/datasets', createReadStream(path), {
      'content-type': 'application/octet-stream',
    })
    return answer.upload
  }

  async startRun(workflow: string, params: Record<string, unknown>, cache: boolean): Promise<RunView> {
    return await this.#ask<RunView>('POST', '/v1/runs', JSON.stringify({ workflow, params, cache }), {
      'content-type': 'application/json',
    })
  }

  async run(id: string): Promise<RunView> {
    return await this.#ask<RunView>('GET', `/v1/runs/${id}`)
  }

  async steps(id: string): Promise<StepView[]> {
    return (await this.#ask<{ items: StepView[] }>('GET', `/v1/runs/${id}/steps`)).items
  }

  async json<T>(ref: ArtefactRef): Promise<T> {
    return await this.#ask<T>('GET', `/v1/artefacts/${ref.hash}?type=application/json`)
  }

  async save(ref: ArtefactRef, path: string): Promise<void> {
    const { body } = await request(`${this.#url}/v1/artefacts/${ref.hash}`)
    await writeFile(path, Buffer.from(await body.arrayBuffer()))
  }

  /** Events of a run as they come, until it has ended. Goes on after the last one when the connection is lost. */
  async *events(id: string): AsyncGenerator<RunEvent> {
    let last = 0
    for (;;) {
      try {
        for await (const event of this.#stream(id, last)) {
          last = event.id
          yield event
          if (/^run\.(succeeded|failed|cancelled)$/.test(event.type)) return
        }
      } catch {
        await new Promise(resolve => setTimeout(resolve, 250)) // the orchestrator may be starting again
      }
    }
  }

  async *#stream(id: string, after: number): AsyncGenerator<RunEvent> {
    const { body, statusCode } = await request(`${this.#url}/v1/runs/${id}/events`, {
      headers: { accept: 'text/event-stream', 'last-event-id': String(after) },
    })
    if (statusCode !== 200) throw new Error(`events: ${statusCode} ${await body.text()}`)
    let rest = ''
    for await (const chunk of body.setEncoding('utf8') as AsyncIterable<string>) {
      const blocks = (rest + chunk).split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) {
        const data = /^data: (.*)$/m.exec(block)?.[1]
        if (data !== undefined) yield JSON.parse(data) as RunEvent
      }
    }
  }

  async #ask<T>(
    method: 'GET' | 'POST' | 'PUT',
    path: string,
    body?: string | NodeJS.ReadableStream,
    headers: Record<string, string> = {},
  ): Promise<T> {
    const answer = await request(`${this.#url}${path}`, { method, headers, body: (body ?? null) as string | null })
    const text = await answer.body.text()
    if (answer.statusCode >= 400) {
      const { detail = text, code = answer.statusCode } = parse(text) as { detail?: string; code?: string | number }
      throw new Error(`${method} ${path}: ${code}: ${detail}`)
    }
    return parse(text) as T
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return {}
  }
}
