import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { durablePlatform } from './durable-platform.ts';

let dataDir: string;
/** Arguments and environment of every descendant process while the platform started. */
let shown: ReadonlyMap<string, string>;

describe.runIf(existsSync('/proc/self/environ'))('the processes of a platform', () => {
  beforeAll(async () => {
    const durable = await durablePlatform();
    ({ dataDir } = durable);
    ({ shown } = durable.processes);
  }, 300_000);

  it('have no secret in their arguments or environment', async () => {
    const secrets = await readSecrets();
    expect([...secrets.keys()]).toEqual(
      expect.arrayContaining(['auth-api-key-hmac-key', 'customers-database-url', 'edge-redis-url']),
    );
    const leaks = [...shown].flatMap(([where, text]) =>
      [...secrets].flatMap(([name, values]) =>
        values.some((value) => text.includes(value)) ? [`${where}: ${name}`] : [],
      ),
    );
    expect(leaks).toEqual([]);
  });

  it('were all observed', () => {
    const commands = [...shown].filter(([where]) => where.startsWith('cmdline')).map(([, text]) => text);
    for (const program of ['auth/dist/main.js', 'customers/dist/main.js', 'edge/dist/main.js', 'redis', 'postgres'])
      expect(
        commands.some((command) => command.includes(program)),
        program,
      ).toBe(true);
    for (const short of ['auth/dist/migrate.js', 'auth/dist/create-tenant.js'])
      expect(
        commands.some((command) => command.includes(short)),
        short,
      ).toBe(true);
  });
});

/** Each file of the secrets folder with its secret: the whole text, and the password of a URL in its possible spellings. */
async function readSecrets(): Promise<Map<string, string[]>> {
  const folder = join(dataDir, 'secrets');
  const secrets = new Map<string, string[]>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const text = (await readFile(join(entry.parentPath, entry.name), 'utf8')).trim();
    const password = URL.canParse(text) ? new URL(text).password : '';
    secrets.set(entry.name, [text, ...(password && [password, decodeURIComponent(password)])]);
  }
  secrets.set('superuser-password', [(await readFile(join(dataDir, 'postgres/superuser-password'), 'utf8')).trim()]);
  return secrets;
}
