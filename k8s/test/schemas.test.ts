import { expect, test } from 'vitest';
import type { Manifest } from '../manifest.ts';
import { renderOverlay } from '../render-overlay.ts';
import { schemaFaults } from '../schema-faults.ts';

test('every manifest of an overlay fits its schema, custom resources included', async () => {
  expect(await schemaFaults(renderOverlay('production'))).toEqual([]);
});

const unknown = 'Object literal may only specify known properties';

test('reports unknown fields, values of a wrong type, and unknown kinds', async () => {
  const made = { apiVersion: 'v1', metadata: { name: 'made' } };
  const wrong: Manifest[] = [
    { ...made, apiVersion: 'apps/v1', kind: 'Deployment', spec: { replica: 1, selector: {}, template: {} } },
    { ...made, kind: 'Service', spec: { ports: [{ port: 'https' }] } },
    { ...made, apiVersion: 'monitoring.coreos.com/v1', kind: 'PodMonitor', spec: { podMetricsEndpoint: [] } },
    { ...made, apiVersion: 'postgresql.cnpg.io/v1', kind: 'Cluster', spec: { instance: 1 } },
    { ...made, apiVersion: 'v2', kind: 'Pot' },
  ];

  const faults = (await schemaFaults(wrong)).join('\n');

  expect(faults).toContain(`Deployment made: ${unknown}, and '"replica"' does not exist`);
  expect(faults).toContain('Service made: data/spec/ports/0/port must be integer');
  expect(faults).toContain(`PodMonitor made: ${unknown}, and '"podMetricsEndpoint"' does not exist`);
  expect(faults).toContain(`Cluster made: ${unknown}, and '"instance"' does not exist`);
  expect(faults).toContain('There is no schema for v2 Pot');
});
