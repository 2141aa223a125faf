import { type Board, here, rate } from './board.ts'

const one = `${here},job=~"$job",instance=~"$instance"`
const ours = `on (namespace, job, instance) meshwork_build_info`
const each = '{{job}} {{instance}}'

export const node: Board = {
  uid: 'meshwork-node',
  title: 'Meshwork: Node.js processes',
  description: 'Processors, memory, event loop and garbage of each process.',
  variables: [
    { name: 'job', label: 'Service', query: `label_values(meshwork_build_info{${here}}, job)` },
    { name: 'instance', label: 'Instance', query: `label_values(meshwork_build_info{${here},job=~"$job"}, instance)` },
  ],
  rows: [
    {
      title: 'Processor and event loop',
      panels: [
        {
          title: 'Processors',
          description: 'Processor seconds in a second. Near its limit a process is slowed down.',
          unit: 'short',
          queries: [{ expr: `${rate('process_cpu_seconds_total', one)} and ${ours}`, legend: each }],
        },
        {
          title: 'Event loop (p99)',
          description: 'One in a hundred turns takes this long. Half a second for five minutes is an alert.',
          unit: 's',
          limit: 0.5,
          queries: [{ expr: `nodejs_eventloop_lag_p99_seconds{${one}}`, legend: each }],
        },
        {
          title: 'Event loop (p50)',
          description: 'Half of the turns take this long; ten milliseconds are the precision of the measurement.',
          unit: 's',
          queries: [{ expr: `nodejs_eventloop_lag_p50_seconds{${one}}`, legend: each }],
        },
      ],
    },
    {
      title: 'Memory',
      panels: [
        {
          title: 'Resident',
          description: 'What the limit of a container is compared with, worker processes not included.',
          unit: 'bytes',
          queries: [{ expr: `process_resident_memory_bytes{${one}} and ${ours}`, legend: each }],
        },
        {
          title: 'Heap',
          description: 'JavaScript objects. A line that only grows is a leak.',
          unit: 'bytes',
          queries: [{ expr: `nodejs_heap_size_used_bytes{${one}}`, legend: each }],
        },
        {
          title: 'Outside of the heap',
          description: 'Buffers.',
          unit: 'bytes',
          queries: [{ expr: `nodejs_external_memory_bytes{${one}}`, legend: each }],
        },
        {
          title: 'Garbage collection',
          description: 'Seconds in a second, by kind.',
          unit: 'percentunit',
          width: 12,
          queries: [
            { expr: `sum by (job, kind) (${rate('nodejs_gc_duration_seconds_sum', one)})`, legend: '{{job}} {{kind}}' },
          ],
        },
      ],
    },
    {
      title: 'Process',
      panels: [
        {
          title: 'File descriptors',
          description: 'Share of those it may have. Four fifths is an alert.',
          unit: 'percentunit',
          limit: 0.8,
          queries: [{ expr: `process_open_fds{${one}} / process_max_fds{${one}} and ${ours}`, legend: each }],
        },
        {
          title: 'Handles and requests',
          description: 'Sockets, timers and files that are open.',
          unit: 'short',
          queries: [{ expr: `nodejs_active_resources_total{${one}}`, legend: each }],
        },
        {
          title: 'Since its start',
          description: 'Short lines that begin again are a process that does not stay.',
          unit: 's',
          queries: [{ expr: `time() - (process_start_time_seconds{${one}} and ${ours})`, legend: each }],
        },
      ],
    },
  ],
}
