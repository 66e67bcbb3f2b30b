import type { Manifest } from '../manifest.ts';
import { faults } from './fault.ts';

/** An overlay with alerts also has a monitor that scrapes the metrics, and a dashboard. */
export function monitoringFaults(manifests: Manifest[]): string[] {
  const kinds = new Set(manifests.map(({ kind }) => kind));
  const isWatched = kinds.has('PodMonitor') || kinds.has('PrometheusRule');
  const dashboards = manifests.filter(({ metadata }) => metadata.labels?.['grafana_dashboard'] === '1');
  const alerts = manifests.filter(isRule).flatMap(({ spec }) => spec.groups.flatMap(({ rules }) => rules));
  const others = alerts.filter(({ expr }) => selectors(expr).some((selector) => !selector.includes(ours)));
  const passed = manifests.filter(isMonitor).flatMap(({ spec }) => spec.podTargetLabels ?? []);
  return faults(
    [isWatched && !kinds.has('PodMonitor'), 'Nobody reads the metrics: there is no PodMonitor'],
    [isWatched && !kinds.has('PrometheusRule'), 'Nobody is alerted: there is no PrometheusRule'],
    [isWatched && dashboards.length === 0, 'There is no dashboard'],
    [isWatched && !passed.includes(partOf), `The PodMonitor does not pass on the label ${partOf}`],
    ...others.map(({ alert }): [boolean, string] => [true, `The alert ${alert} is about containers of others, too`]),
  );
}

const partOf = 'app.kubernetes.io/part-of';

/** What selects the series of this platform: a shared Prometheus has other containers named auth or sync. */
const ours = 'app_kubernetes_io_part_of="rapport"';

/** The selectors of series by their container. */
function selectors(expr: string): string[] {
  return [...expr.matchAll(/\{[^{}]*\bcontainer=[^{}]*\}/g)].map(([selector]) => selector);
}

interface Rule extends Manifest {
  spec: { groups: { rules: { alert: string; expr: string }[] }[] };
}

interface Monitor extends Manifest {
  spec: { podTargetLabels?: string[] };
}

function isRule(manifest: Manifest): manifest is Rule {
  return manifest.kind === 'PrometheusRule';
}

function isMonitor(manifest: Manifest): manifest is Monitor {
  return manifest.kind === 'PodMonitor';
}
