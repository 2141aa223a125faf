import { type Board, buckets, here, none, quantile, quantiles, rate } from './board.ts'

const one = `${here},model=~"$model"`
const process = `${here},job="inference"`

export const inference: Board = {
  uid: 'meshwork-inference',
  title: 'Meshwork: inference',
  description: 'Requests and datasets that go through models: how many, how fast, by which version.',
  variables: [{ name: 'model', label: 'Model', query: `label_values(meshwork_inference_model_ready{${here}}, model)` }],
  rows: [
    {
      title: 'Requests',
      panels: [
        {
          title: 'Requests',
          description:
            'Answered by the inference protocol and to online records. A click leads to the quality of the model.',
          unit: 'reqps',
          stacked: true,
          leadsTo: { uid: 'meshwork-quality', variable: 'model', label: 'model' },
          queries: [
            {
              expr: `sum by (model, version) (${rate('meshwork_inference_request_duration_seconds_count', one)})`,
              legend: '{{model}} {{version}}',
            },
          ],
        },
        {
          title: 'Requests that fail',
          description:
            'Rejected: the queue was full or the time was up. Backend: the model failed. Canceled: the client left.',
          unit: 'reqps',
          queries: [
            {
              expr: `sum by (model, reason) (${rate('meshwork_inference_request_failures_total', one)})`,
              legend: '{{model}}: {{reason}}',
              quiet: none,
            },
          ],
        },
        {
          title: 'Share of each version',
          description: 'Of the requests to a model: how far a new version has got.',
          unit: 'percentunit',
          queries: [
            {
              expr: `sum by (model, version) (${rate('meshwork_inference_request_duration_seconds_count', one)}) / on (model) group_left () sum by (model) (${rate('meshwork_inference_request_duration_seconds_count', one)})`,
              legend: '{{model}} {{version}}',
            },
          ],
        },
        {
          title: 'Time of a request',
          description: 'From the queue to the answer of the model. Objective: 99 % within a second.',
          unit: 's',
          limit: 1,
          queries: quantiles('meshwork_inference_request_duration_seconds', one),
        },
        {
          title: 'Time in the queue (p95)',
          description: 'Until a worker is free. It grows before requests are rejected.',
          unit: 's',
          queries: [
            {
              expr: quantile(0.95, 'meshwork_inference_queue_duration_seconds', 'model', one),
              legend: '{{model}}',
            },
          ],
        },
        {
          title: 'Rows in a run',
          description: 'Mean, of requests that were put together. Near one under load, batching does not come about.',
          unit: 'short',
          queries: [
            {
              expr: `sum by (model) (${rate('meshwork_inference_run_rows_sum', one)}) / sum by (model) (${rate('meshwork_inference_run_rows_count', one)})`,
              legend: '{{model}}',
            },
          ],
        },
        {
          title: 'Workers that are busy',
          description: 'Share of them, by instance. All the time all of them: more cores or more replicas.',
          unit: 'percentunit',
          queries: [{ expr: `meshwork_inference_workers_busy_ratio{${here}}`, legend: '{{instance}}' }],
        },
        {
          title: 'Rows that wait',
          description: 'For a worker, by model.',
          unit: 'short',
          queries: [{ expr: `sum by (model) (meshwork_inference_queue_rows{${one}})`, legend: '{{model}}' }],
        },
        {
          title: 'How the times of requests spread',
          description: 'Requests by their time.',
          kind: 'heatmap',
          unit: 's',
          queries: buckets('meshwork_inference_request_duration_seconds', one),
        },
      ],
    },
    {
      title: 'Datasets',
      panels: [
        {
          title: 'Rows',
          description:
            'Rows a second of datasets, as steps of runs send them. A click leads to the quality of the model.',
          unit: 'rowsps',
          stacked: true,
          leadsTo: { uid: 'meshwork-quality', variable: 'model', label: 'model' },
          queries: [
            {
              expr: `sum by (model, version) (${rate('meshwork_inference_rows_total', one)})`,
              legend: '{{model}} {{version}}',
            },
          ],
        },
        {
          title: 'Rows in a batch',
          description:
            'Mean. Small batches under load are a waste; one row each is a client that should send more at once.',
          unit: 'short',
          queries: [
            {
              expr: `sum by (model) (${rate('meshwork_inference_rows_total', one)}) / sum by (model) (${rate('meshwork_inference_batch_duration_seconds_count', one)})`,
              legend: '{{model}}',
            },
          ],
        },
        {
          title: 'Time of a batch',
          description: 'In its worker, waiting not included. Objective: 99 % within a second.',
          unit: 's',
          limit: 1,
          queries: quantiles('meshwork_inference_batch_duration_seconds', one),
        },
        {
          title: 'Time of a batch (p95), by version',
          description: 'A version that is slower than the one before shows here.',
          unit: 's',
          queries: [
            {
              expr: quantile(0.95, 'meshwork_inference_batch_duration_seconds', 'model, version', one),
              legend: '{{model}} {{version}}',
            },
          ],
        },
        {
          title: 'How the times spread',
          description: 'Batches by their time.',
          kind: 'heatmap',
          unit: 's',
          queries: buckets('meshwork_inference_batch_duration_seconds', one),
        },
      ],
    },
    {
      title: 'Service',
      panels: [
        {
          title: 'Models that are loaded',
          description: 'By instance; all have the same, except for the moment of a change.',
          unit: 'short',
          queries: [{ expr: `meshwork_inference_models_loaded{${here}}`, legend: '{{instance}}' }],
        },
        {
          title: 'Calls in progress and waiting',
          description: 'Of the stage as a whole.',
          unit: 'short',
          queries: [
            { expr: `sum(meshwork_stage_in_flight{${here},stage="inference"})`, legend: 'in progress' },
            { expr: `sum(meshwork_stage_queue_depth{${here},stage="inference"})`, legend: 'waiting' },
          ],
        },
        {
          title: 'Processors',
          description: 'Processor seconds in a second, by instance. A click leads to the process.',
          unit: 'short',
          queries: [
            { expr: `sum by (instance) (${rate('process_cpu_seconds_total', process)})`, legend: '{{instance}}' },
          ],
          leadsTo: { uid: 'meshwork-node', variable: 'instance', label: 'instance' },
        },
        {
          title: 'Memory',
          description: 'Resident, models included.',
          unit: 'bytes',
          queries: [{ expr: `process_resident_memory_bytes{${process}}`, legend: '{{instance}}' }],
          leadsTo: { uid: 'meshwork-node', variable: 'instance', label: 'instance' },
        },
      ],
    },
  ],
}
