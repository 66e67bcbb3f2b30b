import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
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

test('is ready after its database is migrated, and shuts down gracefully on SIGTERM', { timeout: 60_000 }, async () => {
  const exits: string[] = [];
  const name = `auth_${randomBytes(6).toString('hex')}`;
  const urls = await provisionDatabase(inject('superuserUrl'), name);
  const healthPort = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'rapport-'));
  const secrets = await SecretFiles.in(folder);
  const { signingKeyFile, publicKeysFile } = await principalKeys(secrets);
  const certificates = await PlatformCertificates.in(secrets);
  const service = new Service({
    name: 'auth',
    script: join(dist, 'main.js'),
    healthPort,
    logFile: join(folder, 'auth.log'),
    readyTimeoutMs: 60_000,
    onUnexpectedExit: ({ reason }) => exits.push(reason),
    env: {
      GRPC_ADDRESS: `127.0.0.1:${await freePort()}`,
      HEALTH_PORT: String(healthPort),
      DATABASE_URL: urls.appUrl,
      API_KEY_HMAC_KEY: randomBytes(32).toString('base64'),
      PAGE_TOKEN_KEY: randomBytes(32).toString('base64'),
      ACCOUNT_KEY: randomBytes(32).toString('base64'),
      OIDC_KEY: randomBytes(32).toString('base64'),
      HTTP_ADDRESS: `127.0.0.1:${await freePort()}`,
      MAIL_URL: 'smtp://127.0.0.1:1',
      AUDIT_SIGNING_KEY: randomBytes(32).toString('base64'),
      PRINCIPAL_SIGNING_KEY_FILE: signingKeyFile,
      PRINCIPAL_KEYS_FILE: publicKeysFile,
      ...certificateVariables(await certificates.of('auth')),
    },
  });

  const starting = service.start();
  try {
    await expect.poll(() => readiness(service)).toMatchObject({ status: 'unavailable', missing: ['migrations'] });
    await promisify(execFile)(process.execPath, [join(dist, 'migrate.js')], {
      env: { MIGRATION_DATABASE_URL: urls.ownerUrl },
    });
    await starting;
    expect(await readiness(service)).toEqual({ status: 'ok' });
    process.kill(service.pid ?? 0, 'SIGTERM');
    await expect.poll(() => exits).toMatchObject([expect.stringMatching(/^auth exited with code 0\./)]);
  } finally {
    await service.stop();
    await starting.catch(() => undefined);
    certificates.stop();
    await rm(folder, { recursive: true });
  }
});

/** Undefined until it responds. */
function readiness({ healthUrl }: Service): Promise<unknown> {
  return fetch(`${healthUrl}/readyz`).then(
    (answer) => answer.json(),
    () => undefined,
  );
}
