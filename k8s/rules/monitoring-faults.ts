import type { Manifest } from '../manifest.ts';
import { faults } from './fault.ts';

/** An overlay with alerts also has a monitor that scrapes the metrics, and a dashboard. */
export function monitoringFaults(manifests: Manifest[]): string[] {
  const kinds = new Set(manifests.map(({ kind }) => kind));
  const isWatched = kinds.has('PodMonitor') || kinds.has('PrometheusRule');
  const dashboards = manifests.filter(({ metadata }) => metadata.labels?.['grafana_dashboard'] === '1');
  return faults(
    [isWatched && !kinds.has('PodMonitor'), 'Nobody reads the metrics: there is no PodMonitor'],
    [isWatched && !kinds.has('PrometheusRule'), 'Nobody is alerted: there is no PrometheusRule'],
    [isWatched && dashboards.length === 0, 'There is no dashboard'],
  );
}
