import { type Board, buckets, here, none, quantiles, rate } from './board.ts'

export const run: Board = {
  uid: 'meshwork-run',
  title: 'Meshwork: life of a run',
  description:
    'What happens to runs from their acknowledgement to the last event, and what each part costs. A single run is found in the logs by its runId.',
  variables: [],
  rows: [
    {
      title: 'What the orchestrator adds',
      panels: [
        {
          title: 'Start to first call',
          description: 'Objective: 99 % within a second.',
          unit: 's',
          limit: 1,
          queries: quantiles('meshwork_run_first_step_seconds'),
        },
        {
          title: 'Step to step',
          description: 'From the answer of the last step that a step needs to its first call.',
          unit: 's',
          queries: quantiles('meshwork_step_to_step_seconds'),
        },
        {
          title: 'Event to reader',
          description: 'From the writing of an event to its sending to a reader who follows the run.',
          unit: 's',
          queries: quantiles('meshwork_event_visible_seconds').map(query => ({
            ...query,
            quiet: 'Nothing while nobody follows a run.',
          })),
        },
        {
          title: 'Own share of the time',
          description: 'Part of the time of a run in which no call was in flight and none was waited for by intent.',
          unit: 'percentunit',
          queries: quantiles('meshwork_run_orchestration_ratio'),
        },
        {
          title: 'Own time of a run',
          description: 'The same in seconds.',
          unit: 's',
          queries: quantiles('meshwork_run_orchestration_seconds'),
        },
        {
          title: 'How starts spread',
          description: 'Runs by the time to their first call.',
          kind: 'heatmap',
          unit: 's',
          queries: buckets('meshwork_run_first_step_seconds'),
        },
      ],
    },
    {
      title: 'Steps',
      panels: [
        {
          title: 'Attempts that are answered',
          description: 'By what came of them. "reused" is the cache.',
          unit: 'ops',
          stacked: true,
          queries: [{ expr: `sum by (result) (${rate('meshwork_steps_total')})`, legend: '{{result}}' }],
        },
        {
          title: 'Attempts that are made again',
          description: 'By stage and the code that made them fail.',
          unit: 'ops',
          queries: [
            {
              expr: `sum by (stage, code) (${rate('meshwork_step_retries_total')})`,
              legend: '{{stage}} {{code}}',
              quiet: none,
            },
          ],
          leadsTo: { uid: 'meshwork-stage', variable: 'stage', label: 'stage' },
        },
        {
          title: 'Where the time goes',
          description: 'Seconds of calls in a second, by stage.',
          unit: 'short',
          stacked: true,
          queries: [{ expr: `sum by (stage) (${rate('meshwork_step_duration_seconds_sum')})`, legend: '{{stage}}' }],
          leadsTo: { uid: 'meshwork-stage', variable: 'stage', label: 'stage' },
        },
      ],
    },
    {
      title: 'Around runs',
      panels: [
        {
          title: 'Acknowledged',
          description: 'Runs a second that were accepted.',
          unit: 'ops',
          queries: [{ expr: `sum(${rate('meshwork_runs_accepted_total')})`, legend: 'accepted' }],
        },
        {
          title: 'Fires of schedules',
          description: 'By what came of them: started, queued, skipped, missed.',
          unit: 'ops',
          queries: [
            {
              expr: `sum by (outcome) (${rate('meshwork_schedule_fires_total')})`,
              legend: '{{outcome}}',
              quiet: 'Nothing without schedules.',
            },
          ],
        },
        {
          title: 'Lag of schedules',
          description: 'From the time that a schedule names to the start of its run.',
          unit: 's',
          limit: 30,
          queries: quantiles('meshwork_schedule_lag_seconds').map(query => ({
            ...query,
            quiet: 'Nothing without schedules.',
          })),
        },
        {
          title: 'Webhooks',
          description: 'Attempts to deliver events, by what came of them.',
          unit: 'ops',
          queries: [
            {
              expr: `sum by (outcome) (${rate('meshwork_webhook_deliveries_total')})`,
              legend: '{{outcome}}',
              quiet: 'Nothing without webhooks.',
            },
          ],
        },
        {
          title: 'Removed as kept long enough',
          description: 'Rows a second, by kind. Zero unless MESHWORK_RUNS_KEEP_HOURS is set.',
          unit: 'ops',
          queries: [
            {
              expr: `sum by (kind) (${rate('meshwork_retention_removed_total')})`,
              legend: '{{kind}}',
              quiet: 'Nothing while runs are kept for ever.',
            },
          ],
        },
        {
          title: 'Open runs',
          description: 'By status, of all orchestrators together.',
          unit: 'short',
          queries: [{ expr: `max by (status) (meshwork_runs_open{${here}})`, legend: '{{status}}' }],
        },
      ],
    },
  ],
}
