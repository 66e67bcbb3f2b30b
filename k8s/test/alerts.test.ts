import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { ensureProgram } from '../ensure-program.ts';
import type { Manifest } from '../manifest.ts';
import { renderOverlay } from '../render-overlay.ts';
import { monitoringFaults } from '../rules/monitoring-faults.ts';

const monitoring = join(import.meta.dirname, '../components/monitoring');
const folder = mkdtempSync(join(tmpdir(), 'rapport-alerts-'));
const { spec } = parse(readFileSync(join(monitoring, 'alerts.yaml'), 'utf8')) as { spec: object };

beforeAll(() => {
  ensureProgram('promtool', ['--version'], 'promtool');
  writeFileSync(join(folder, 'rules.yaml'), stringify(spec));
  copyFileSync(join(import.meta.dirname, 'alerts.yaml'), join(folder, 'alerts.yaml'));
});

afterAll(() => rmSync(folder, { recursive: true }));

test('Prometheus accepts every alert', () => {
  expect(promtool('check', 'rules', '--lint-fatal', 'rules.yaml')).toContain('SUCCESS');
});

test('alerts fire when they should', () => {
  expect(promtool('test', 'rules', 'alerts.yaml')).toContain('SUCCESS');
});

test('Prometheus accepts every expression of the dashboard', () => {
  const dashboard = JSON.parse(readFileSync(join(monitoring, 'dashboard.json'), 'utf8')) as {
    panels: { targets: { expr: string }[] }[];
  };
  const rules = dashboard.panels
    .flatMap(({ targets }) => targets)
    .map(({ expr }, index) => ({ record: `panel:${index}`, expr: expr.replaceAll('$__rate_interval', '5m') }));
  writeFileSync(join(folder, 'dashboard.yaml'), stringify({ groups: [{ name: 'dashboard', rules }] }));

  expect(rules.length).toBeGreaterThan(10);
  expect(promtool('check', 'rules', '--lint-fatal', 'dashboard.yaml')).toContain('SUCCESS');
});

test('a check of the manifests finds alerts about containers of other applications', () => {
  const manifests = renderOverlay('production');
  const spoil = (kind: string, from: string, to: string) =>
    manifests.map((each) =>
      each.kind === kind ? (JSON.parse(JSON.stringify(each).replace(from, to)) as Manifest) : each,
    );
  const ours = String.raw`{app_kubernetes_io_part_of=\"rapport\",`;

  expect(monitoringFaults(manifests)).toEqual([]);
  expect(monitoringFaults(spoil('PrometheusRule', ours, '{'))).toEqual([
    'The alert ProcessDown is about containers of others, too',
  ]);
  expect(monitoringFaults(spoil('PodMonitor', ',"app.kubernetes.io/part-of"', ''))).toEqual([
    'The PodMonitor does not pass on the label app.kubernetes.io/part-of',
  ]);
});

/** Its whole output, whether it succeeds or not. */
function promtool(...args: string[]): string {
  const { stdout, stderr } = spawnSync('promtool', args, { cwd: folder, encoding: 'utf8' });
  return stdout + stderr;
}
