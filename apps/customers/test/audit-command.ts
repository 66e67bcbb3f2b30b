import { execFile } from 'node:child_process';
import { join } from 'node:path';
import type { RunningCustomers } from './running-customers.js';

/** Runs the built operator's command. */
export function verifyAll({
  urls,
  auditSigningKey,
}: RunningCustomers): Promise<{ exitCode: number; lines: unknown[] }> {
  const command = join(import.meta.dirname, '../dist/verify-audit.js');
  const env = { DATABASE_URL: urls.appUrl, AUDIT_SIGNING_KEY: auditSigningKey.toString('base64') };
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [command], { env }, (_error, stdout) => {
      const lines = stdout.split('\n').filter(Boolean);
      resolve({ exitCode: child.exitCode ?? -1, lines: lines.map((line) => JSON.parse(line) as unknown) });
    });
  });
}
