import { type Board, buckets, here, quantile, quantiles, rate } from './board.ts'

const one = `${here},model=~"$model"`
const process = `${here},job="inference"`

export const inference: Board = {
  uid: 'meshwork-inference',
  title: 'Meshwork: inference',
  description: 'Models: rows, batches, times and versions beside each other.',
  variables: [{ name: 'model', label: 'Model', query: `label_values(meshwork_inference_rows_total{${here}}, model)` }],
  rows: [
    {
      title: 'Models',
      panels: [
        {
          title: 'Rows',
          description: 'Rows a second that went through a model.',
          unit: 'rowsps',
          stacked: true,
          queries: [
            {
              expr: `sum by (model, version) (${rate('meshwork_inference_rows_total', one)})`,
              legend: '{{model}} {{version}}',
            },
          ],
        },
        {
          title: 'Share of each version',
          description: 'Of the rows of a model: how far a new version has got.',
          unit: 'percentunit',
          queries: [
            {
              expr: `sum by (model, version) (${rate('meshwork_inference_rows_total', one)}) / on (model) group_left () sum by (model) (${rate('meshwork_inference_rows_total', one)})`,
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
      title: 'What the models see',
      panels: [
        {
          title: 'Drift by feature',
          description:
            'Population stability index against the training, as a share of its threshold, in the window that was closed last; above 1 it is drift.',
          unit: 'short',
          limit: 1,
          queries: [
            {
              expr: `topk(10, max by (model, version, feature) (meshwork_inference_feature_psi{${one}} / meshwork_inference_feature_psi_threshold{${one}}))`,
              legend: '{{model}} {{version}} {{feature}}',
            },
          ],
        },
        {
          title: 'Missing and unseen values',
          description: 'Share of values that were NaN, or that training never had, in the window that was closed last.',
          unit: 'percentunit',
          queries: [
            {
              expr: `topk(10, max by (model, version, feature) (meshwork_inference_feature_missing_ratio{${one}}))`,
              legend: '{{model}} {{feature}}: missing',
            },
            {
              expr: `topk(10, max by (model, version, feature) (meshwork_inference_feature_unseen_ratio{${one}}))`,
              legend: '{{model}} {{feature}}: unseen',
            },
          ],
        },
        {
          title: 'Live quality',
          description: 'By the labels that came later, in the window of labels that was closed last.',
          unit: 'short',
          queries: [
            {
              expr: `avg by (model, version, measure) (meshwork_inference_quality{${one},measure=~"accuracy|roc_auc|f1|macro_f1|mae|rmse"})`,
              legend: '{{model}} {{version}} {{measure}}',
            },
          ],
        },
        {
          title: 'Labels that come',
          description: 'By whether the prediction was known; unmatched ones were answered elsewhere, or are forgotten.',
          unit: 'ops',
          queries: [
            {
              expr: `sum by (model, result) (rate(meshwork_inference_labels_total{${one}}[$__rate_interval]))`,
              legend: '{{model}}: {{result}}',
            },
          ],
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
