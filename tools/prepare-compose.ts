// Creates what compose.yaml needs before its processes start, and keeps what exists: keys, certificates, and the database
// of each service with its two roles. `node tools/prepare-compose.ts <folder> <host of PostgreSQL> <host of Valkey>`, with
// the password of PostgreSQL's superuser, which becomes Valkey's too, in POSTGRES_PASSWORD_FILE.
import { readFileSync } from 'node:fs';
import { PlatformCertificates, principalKeys, provisionDatabase, SecretFiles } from '@rapport/testing';

const [folder = '/run/secrets/rapport', postgres = 'postgres:5432', valkey = 'valkey:6379'] = process.argv.slice(2);
const passwordFile = process.env['POSTGRES_PASSWORD_FILE'];
if (!passwordFile) throw new Error('POSTGRES_PASSWORD_FILE is not set.');
const password = readFileSync(passwordFile, 'utf8').trim();

/** The keys of each process. */
const processes = {
  auth: ['page-token-key', 'api-key-hmac-key', 'account-key', 'oidc-key', 'audit-signing-key'],
  customers: ['page-token-key', 'suppression-hmac-key', 'audit-signing-key', 'master-key'],
  sync: ['page-token-key', 'audit-signing-key', 'master-key'],
  edge: ['cache-key', 'console-keys'],
};

const secrets = await SecretFiles.in(folder);
await principalKeys(secrets);
const certificates = await PlatformCertificates.in(secrets);
for (const name of Object.keys(processes)) await certificates.of(name);
certificates.stop();
for (const [name, keys] of Object.entries(processes)) for (const key of keys) await secrets.key(`${name}-${key}`);
for (const name of ['auth', 'customers', 'sync', 'keys']) {
  const { ownerUrl, appUrl } = await provisionDatabase(`postgres://postgres:${password}@${postgres}/postgres`, name);
  await secrets.put(`${name}-database-url`, appUrl);
  await secrets.put(`${name}-migration-database-url`, ownerUrl);
}
await secrets.put('edge-redis-url', `redis://default:${password}@${valkey}`);
await secrets.put('valkey.conf', `requirepass ${password}\nsave ""\nmaxmemory 256mb\nmaxmemory-policy volatile-lru\n`);
