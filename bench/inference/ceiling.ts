// The ceiling of HTTP: Fastify reads the same bodies and answers as much, and does nothing.

import Fastify from 'fastify'

const answers: Readonly<Record<string, unknown>> = {
  'flight-delay': {
    model_name: 'flight-delay',
    model_version: '1',
    outputs: [
      { name: 'label', datatype: 'INT64', shape: [1], data: [1] },
      { name: 'probabilities', datatype: 'FP32', shape: [1, 2], data: [0.4957011342048645, 0.5042988657951355] },
    ],
  },
  small: {
    model_name: 'small',
    model_version: '1',
    outputs: [{ name: 'y', datatype: 'FP32', shape: [1, 2], data: [-0.00022163278481457382, 0.0003190165443811566] }],
  },
}
const app = Fastify({ bodyLimit: 67_108_864 })
app.post<{ Params: { model: string } }>('/v2/models/:model/infer', async request => answers[request.params.model])
const url = await app.listen({ host: '127.0.0.1', port: 0 })
process.send?.({ url })
process.on('disconnect', () => void app.close())
process.on('SIGTERM', () => void app.close().then(() => process.disconnect?.()))
