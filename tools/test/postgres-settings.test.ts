import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { postgresSettings, queryDatabase, startEmbeddedPostgres } from '@rapport/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';

const root = join(import.meta.dirname, '../..');

interface Cluster {
  kind: string;
  metadata: { name: string };
  spec: { postgresql: { parameters: Record<string, string> }; resources: { limits: { memory: string } } };
}
interface Patch {
  op: string;
  path: string;
  value: unknown;
}

const clusters = globSync('k8s/components/databases/*.yaml', { cwd: root })
  .flatMap((file) => parseAllDocuments(readFileSync(join(root, file), 'utf8')).map((each) => each.toJS() as Cluster))
  .filter(({ kind }) => kind === 'Cluster');

/** @param memory such as 8Gi, 512Mi or 2g */
function mebibytes(memory: string): number {
  const [, number, unit = ''] = /^(\d+)([GM])i?$/i.exec(memory) ?? [];
  return Number(number) * (unit.toUpperCase() === 'G' ? 1_024 : 1);
}

describe('PostgreSQL has the same settings, by its memory,', () => {
  test('in each cluster of Kubernetes', () => {
    expect(clusters.map(({ metadata }) => metadata.name).toSorted()).toEqual([
      'auth-db',
      'customers-db',
      'keys-db',
      'sync-db',
    ]);
    for (const { metadata, spec } of clusters) {
      const memoryMiB = mebibytes(spec.resources.limits.memory);
      expect(spec.postgresql.parameters, metadata.name).toEqual(postgresSettings({ memoryMiB, hasLz4: true }));
    }
  });

  test('in a developer’s small clusters', () => {
    const { patches } = parse(readFileSync(join(root, 'k8s/overlays/local/kustomization.yaml'), 'utf8')) as {
      patches: { target?: { kind?: string }; patch: string }[];
    };
    const changes = patches
      .filter(({ target }) => target?.kind === 'Cluster')
      .flatMap(({ patch }) => parse(patch) as Patch[]);
    const resources = changes.find(({ path }) => path === '/spec/resources')?.value as Cluster['spec']['resources'];
    const changed: Record<string, unknown> = Object.fromEntries(
      changes
        .filter(({ path }) => path.startsWith('/spec/postgresql/parameters/'))
        .map(({ path, value }) => [path.split('/').at(-1) ?? '', value]),
    );
    const wanted = postgresSettings({ memoryMiB: mebibytes(resources.limits.memory), hasLz4: true });

    for (const { spec } of clusters) expect({ ...spec.postgresql.parameters, ...changed }).toMatchObject(wanted);
  });

  test('in compose.yaml', () => {
    const { services } = parse(readFileSync(join(root, 'compose.yaml'), 'utf8'), { merge: true }) as {
      services: { postgres: { command: string[]; mem_limit: string } };
    };
    const { command, mem_limit: memory } = services.postgres;
    const given = command.slice(1).map((flag) => /^--([a-z_]+)=(.+)$/.exec(flag)?.slice(1));

    expect(Object.fromEntries(given as [string, string][])).toEqual(
      postgresSettings({ memoryMiB: mebibytes(memory), hasLz4: true }),
    );
  });

  test('in the server of npm start, and every version in use supports them', async () => {
    const postgres = await startEmbeddedPostgres();
    onTestFinished(() => postgres.stop());
    const rows = await queryDatabase(
      postgres.superuserUrl,
      `select name, setting, source, unit from pg_settings where source = 'command line'`,
    );
    const given = new Map(rows.map(({ name, setting }) => [name, setting]));
    const { shared_buffers: _, ...names } = postgresSettings({ memoryMiB: 512, hasLz4: false });

    expect([...given.keys()]).toEqual(expect.arrayContaining(Object.keys(names)));
    expect(given.get('jit')).toBe('off');
    expect(given.get('random_page_cost')).toBe('1.1');
    // In pages of 8 kB: of 512 MiB of memory at least.
    expect(Number(given.get('shared_buffers'))).toBeGreaterThanOrEqual((512 / 4) * 128);
  });
});
