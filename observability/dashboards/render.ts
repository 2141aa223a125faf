// Dashboards in Grafana's classic form, which every version from 10 on reads.

import {
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common'
import {
  AnnotationQueryBuilder,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { PanelBuilder as HeatmapBuilder, YAxisConfigBuilder } from '@grafana/grafana-foundation-sdk/heatmap'
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus'
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat'
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table'
import { PanelBuilder as LinesBuilder } from '@grafana/grafana-foundation-sdk/timeseries'
import { type Board, here, type Panel, type Query, type Variable } from './board.ts'

const source = { type: 'prometheus', uid: '${datasource}' }
const height = 8

/** As it is written into the tree: two spaces, a line at the end. */
export const dashboardJson = (board: Board): string => `${JSON.stringify(render(board), null, 2)}\n`

function render(board: Board) {
  const variables = [{ name: 'namespace', label: 'Namespace', query: 'label_values(meshwork_build_info, namespace)' }]
  const dashboard = new DashboardBuilder(board.title)
    .uid(board.uid)
    .id(null)
    .description(board.description)
    .tags(['meshwork'])
    .readonly()
    .tooltip(DashboardCursorSync.Crosshair)
    .time({ from: 'now-1h', to: 'now' })
    .refresh('30s')
    .withVariable(new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'))
    .link(
      new DashboardLinkBuilder('Meshwork')
        .type(DashboardLinkType.Dashboards)
        .tags(['meshwork'])
        .asDropdown(true)
        .includeVars(true)
        .keepTime(true),
    )
    .annotation(alertMarks)
    .annotation(startMarks)
  for (const variable of [...variables, ...board.variables]) dashboard.withVariable(variableOf(variable))
  let id = 1
  for (const row of board.rows) {
    dashboard.withRow(new RowBuilder(row.title).id(id++))
    for (const panel of row.panels) dashboard.withPanel(panelOf(panel).id(id++))
  }
  const built = dashboard.build()
  for (const link of built.links ?? []) delete link.placement // in the bar, where it is seen, not in a menu
  return built
}

const variableOf = ({ name, label, query }: Variable) =>
  new QueryVariableBuilder(name)
    .label(label)
    .datasource(source)
    .query({ query, refId: name })
    .definition(query)
    .multi(true)
    .includeAll(true)
    .allValue('.*')
    .current({ text: 'All', value: '$__all' })
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)

const alertMarks = new AnnotationQueryBuilder()
  .name('Alerts')
  .datasource(source)
  .enable(true)
  .iconColor('red')
  .expr(`ALERTS{alertname=~"Meshwork.*",alertstate="firing",${here}}`)
  .titleFormat('{{alertname}}')
  .textFormat('{{severity}} {{job}}{{stage}}')
  .step('60s')

const startMarks = new AnnotationQueryBuilder()
  .name('Starts')
  .datasource(source)
  .enable(false)
  .iconColor('blue')
  .expr(`(process_start_time_seconds{${here}} and on (namespace, job, instance) meshwork_build_info) * 1000`)
  .useValueForTime(true)
  .titleFormat('start')
  .textFormat('{{job}} {{instance}}')
  .step('60s')

function panelOf(panel: Panel) {
  const shaped = builderOf(panel)
    .title(panel.title)
    .description(panel.description)
    .datasource(source)
    .unit(panel.unit)
    .height(height)
    .span(panel.width ?? 8)
    .targets(panel.queries.map((query, at) => targetOf(panel, query, at)))
  const { leadsTo } = panel
  if (leadsTo !== undefined) {
    const value = `\${__field.labels.${leadsTo.label}}`
    const title = leadsTo.uid.replace('meshwork-', '')
    const url = `/d/${leadsTo.uid}?\${datasource:queryparam}&\${namespace:queryparam}&var-${leadsTo.variable}=${value}&\${__url_time_range}`
    shaped.dataLinks([new DashboardLinkBuilder(`Open ${title}: ${value}`).url(url)])
  }
  return shaped
}

function builderOf(panel: Panel): LinesBuilder | StatBuilder | TableBuilder | HeatmapBuilder {
  if (panel.kind === 'table') return tableOf(panel)
  if (panel.kind === 'stat') return new StatBuilder()
  if (panel.kind === 'heatmap') return new HeatmapBuilder().yAxis(new YAxisConfigBuilder().unit(panel.unit))
  const lines = new LinesBuilder()
    .min(0)
    .fillOpacity(panel.stacked ? 30 : 8)
    .legend(
      new VizLegendOptionsBuilder()
        .showLegend(true)
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi))
  if (panel.stacked) lines.stacking(new StackingConfigBuilder().mode(StackingMode.Normal))
  if (panel.limit !== undefined)
    lines
      .thresholds(
        new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps([
          { color: 'transparent', value: null },
          { color: 'red', value: panel.limit },
        ]),
      )
      .thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed))
  return lines
}

/** One column for each query, beside those of the labels. */
function tableOf(panel: Panel): TableBuilder {
  const table = new TableBuilder()
    .withTransformation({ id: 'merge', options: {} })
    .overrideByName('Time', [{ id: 'custom.hidden', value: true }])
  for (const [at, { legend, unit }] of panel.queries.entries())
    table.overrideByName(panel.queries.length === 1 ? 'Value' : `Value #${refIdOf(at)}`, [
      { id: 'displayName', value: legend },
      ...(unit === undefined ? [] : [{ id: 'unit', value: unit }]),
    ])
  return table
}

const refIdOf = (at: number): string => String.fromCharCode(65 + at)

function targetOf({ kind }: Panel, { expr, legend }: Query, at: number): DataqueryBuilder {
  const query = new DataqueryBuilder().refId(refIdOf(at)).expr(expr).datasource(source)
  if (kind === 'table') return query.instant().format(PromQueryFormat.Table)
  if (kind === 'heatmap') return query.range().format(PromQueryFormat.Heatmap).legendFormat(legend)
  return query.range().legendFormat(legend)
}
