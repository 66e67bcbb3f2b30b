import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  certificateVariables,
  freePort,
  PlatformCertificates,
  principalKeys,
  provisionDatabase,
  SecretFiles,
  Service,
} from '@rapport/testing';
import { inject, expect, test } from 'vitest';

const dist = join(import.meta.dirname, '../dist');

test('is ready once its database is migrated, though customers is away', async () => {
  const name = `sync_${randomBytes(6).toString('hex')}`;
  const urls = await provisionDatabase(inject('superuserUrl'), name);
  const healthPort = await freePort();
  const secrets = await SecretFiles.in(await mkdtemp(join(tmpdir(), 'rapport-')));
  const { publicKeysFile } = await principalKeys(secrets);
  const certificates = await PlatformCertificates.in(secrets);
  const service = new Service({
    name: 'sync',
    script: join(dist, 'main.js'),
    healthPort,
    logFile: join(tmpdir(), `${name}.log`),
    readyTimeoutMs: 6_000,
    env: {
      GRPC_ADDRESS: `127.0.0.1:${await freePort()}`,
      HEALTH_PORT: String(healthPort),
      CUSTOMERS_ADDRESS: '127.0.0.1:1',
      AUTH_ADDRESS: '127.0.0.1:1',
      DATABASE_URL: urls.appUrl,
      PAGE_TOKEN_KEY: randomBytes(32).toString('base64'),
      MASTER_KEY: randomBytes(32).toString('base64'),
      AUDIT_SIGNING_KEY: randomBytes(32).toString('base64'),
      PRINCIPAL_KEYS_FILE: publicKeysFile,
      ...certificateVariables(await certificates.of('sync')),
    },
  });

  try {
    await expect(service.start()).rejects.toThrow(/is not ready .*"migrations"/);
    await promisify(execFile)(process.execPath, [join(dist, 'migrate.js')], {
      env: { MIGRATION_DATABASE_URL: urls.ownerUrl },
    });
    const response = await fetch(`http://127.0.0.1:${healthPort}/readyz`);
    expect(await response.json()).toEqual({ status: 'ok' });
    const metrics = await (await fetch(`http://127.0.0.1:${healthPort}/metrics`)).text();
    expect(metrics).toMatch(/^rapport_webhook_pending_lanes 0$/m);
  } finally {
    await service.stop();
  }
});
