import { type Board, here, increase, quantile, rate } from './board.ts'

const one = `${here},model=~"$model"`
const scores = 'accuracy|roc_auc|f1|macro_f1'
const errors = 'mae|rmse'

export const quality: Board = {
  uid: 'meshwork-quality',
  title: 'Meshwork: model quality',
  description:
    'Whether models see what they were trained on, whether what they said came true, and how versions differ.',
  variables: [{ name: 'model', label: 'Model', query: `label_values(meshwork_inference_model_ready{${here}}, model)` }],
  rows: [
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
          title: 'Features that drift',
          description:
            'How many of a version are above their threshold; the answers count as one. Any is worth a look.',
          unit: 'short',
          queries: [
            {
              expr: `max by (model, version) (meshwork_inference_drifted_features{${one}})`,
              legend: '{{model}} {{version}}',
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
      ],
    },
    {
      title: 'What came true',
      panels: [
        {
          title: 'Live quality',
          description: 'Of classifiers, by the labels that came later, in the window of labels that was closed last.',
          unit: 'short',
          queries: [
            {
              expr: `avg by (model, version, measure) (meshwork_inference_quality{${one},measure=~"${scores}"})`,
              legend: '{{model}} {{version}} {{measure}}',
            },
          ],
        },
        {
          title: 'Live error',
          description:
            'Of regressions, in the units of the label: mean absolute and root mean squared error of the window of labels that was closed last.',
          unit: 'short',
          queries: [
            {
              expr: `avg by (model, version, measure) (meshwork_inference_quality{${one},measure=~"${errors}"})`,
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
              expr: `sum by (model, result) (${rate('meshwork_inference_labels_total', one)})`,
              legend: '{{model}}: {{result}}',
            },
          ],
        },
        {
          title: 'What was said, and what came true',
          description:
            'Rows with a label of classifiers with up to ten classes, as shares of each class that came true.',
          unit: 'percentunit',
          width: 16,
          queries: [
            {
              expr: `sum by (model, label, said) (${increase('meshwork_inference_label_outcomes_total', one)}) / on (model, label) group_left () sum by (model, label) (${increase('meshwork_inference_label_outcomes_total', one)})`,
              legend: '{{model}}: {{label}}, said {{said}}',
            },
          ],
        },
        {
          title: 'Error of the labels of now',
          description: 'Mean absolute error of regressions over the labels that came within the last minutes.',
          unit: 'short',
          queries: [
            {
              expr: `sum by (model) (${increase('meshwork_inference_label_error_total', `${one},kind="absolute"`)}) / sum by (model) (${increase('meshwork_inference_labels_total', `${one},result="matched"`)})`,
              legend: '{{model}}',
            },
          ],
        },
      ],
    },
    {
      title: 'Versions beside each other',
      panels: [
        {
          title: 'Rows that a shadow answers alike',
          description: 'Share of the rows that both versions answered. Look at it before the shadow gets a weight.',
          unit: 'percentunit',
          queries: [
            {
              expr: `sum by (model, version, shadow) (${rate('meshwork_inference_shadow_rows_total', `${one},agreed="yes"`)}) / sum by (model, version, shadow) (${rate('meshwork_inference_shadow_rows_total', one)})`,
              legend: '{{model}} {{shadow}} beside {{version}}',
            },
          ],
        },
        {
          title: 'Largest difference to a shadow (p95)',
          description: 'Of two numbers in the answers to one request.',
          unit: 'short',
          queries: [
            {
              expr: quantile(0.95, 'meshwork_inference_shadow_difference', 'model, version, shadow', one),
              legend: '{{model}} {{shadow}} beside {{version}}',
            },
          ],
        },
        {
          title: 'Requests to shadows',
          description: 'Compared, failed, or dropped for want of room. Nobody waits for them.',
          unit: 'reqps',
          queries: [
            {
              expr: `sum by (model, shadow, result) (${rate('meshwork_inference_shadow_requests_total', one)})`,
              legend: '{{model}} {{shadow}}: {{result}}',
            },
          ],
        },
      ],
    },
  ],
}
