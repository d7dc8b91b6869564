import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import {
  DashboardBuilder,
  DashboardCursorSync,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { LegendDisplayMode, LegendPlacement, TooltipDisplayMode } from '@grafana/grafana-foundation-sdk/common';
import { VizLegendOptionsBuilder, VizTooltipOptionsBuilder } from '@grafana/grafana-foundation-sdk/common';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder } from '@grafana/grafana-foundation-sdk/timeseries';

/** A graph over time. Its expressions are PromQL; `$of` in them stands for the chosen services. */
export interface Panel {
  readonly title: string;
  readonly description: string;
  /** A unit of Grafana, such as "s" or "reqps". */
  readonly unit: string;
  /** The legend of each series, to its expression. */
  readonly series: Readonly<Record<string, string>>;
}

/** A heading and the panels under it. */
export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

/** The chosen services, as label matchers. */
const OF = 'service=~"$service",instance=~"$instance"';
const COLUMNS = 24;
const PANELS_PER_LINE = 3;
const HEIGHT = 7;
const SOURCE = { type: 'prometheus', uid: '${source}' };

/**
 * A dashboard of Grafana over the metrics of XIM's services: it asks for a data source, services and replicas.
 *
 * @param uid stays the same over versions, so that an import replaces the dashboard
 */
export function toDashboard(uid: string, title: string, rows: readonly Row[]): Dashboard {
  const dashboard = new DashboardBuilder(title)
    .uid(uid)
    .tags(['xim'])
    .time({ from: 'now-1h', to: 'now' })
    .refresh('30s')
    .tooltip(DashboardCursorSync.Crosshair)
    .withVariable(new DatasourceVariableBuilder('source').label('Data source').type('prometheus'))
    .withVariable(labels('service', 'Service', 'label_values(xim_slots, service)'))
    .withVariable(labels('instance', 'Replica', 'label_values(xim_slots{service=~"$service"}, instance)'));
  let id = 0;
  for (const row of rows) {
    dashboard.withRow(new RowBuilder(row.title).id((id += 1)));
    for (const panel of row.panels) dashboard.withPanel(toPanel(panel).id((id += 1)));
  }
  return dashboard.build();
}

function labels(name: string, label: string, query: string): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(label)
    .datasource(SOURCE)
    .query(query)
    .multi(true)
    .includeAll(true)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .current({ text: ['All'], value: ['$__all'] });
}

function toPanel({ title, description, unit, series }: Panel): PanelBuilder {
  const panel = new PanelBuilder()
    .title(title)
    .description(description)
    .datasource(SOURCE)
    .unit(unit)
    .min(0)
    .span(COLUMNS / PANELS_PER_LINE)
    .height(HEIGHT)
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi))
    .legend(
      new VizLegendOptionsBuilder()
        .showLegend(true)
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom),
    );
  for (const [index, [legend, expression]] of Object.entries(series).entries())
    panel.withTarget(
      new DataqueryBuilder()
        .refId(String.fromCharCode('A'.charCodeAt(0) + index))
        .expr(expression.replaceAll('$of', OF))
        .legendFormat(legend),
    );
  return panel;
}
