import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPlatform, type Platform } from '@rapport/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** Visible in `ps` and in process dumps. */
const shownFiles = ['cmdline', 'environ'] as const;
const lookEveryMs = 10;

let dataDir: string;
let platform: Platform | undefined;
/** Arguments and environment of every descendant process while the platform started and ran. */
const shown = new Map<string, string>();

describe.runIf(existsSync('/proc/self/environ'))('the processes of a platform', () => {
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'rapport-secrets-'));
    const looking = setInterval(lookAtProcesses, lookEveryMs);
    try {
      // A separate platform, whose processes are observed from the start, migrations included.
      platform = await startPlatform({ dataDir, edges: 2 });
      const { apiKey } = await platform.createTenant('Discreet');
      const headers = { authorization: `Bearer ${apiKey}` };
      expect((await fetch(`${platform.edgeUrl}/v1/customers`, { headers })).status).toBe(200);
    } finally {
      clearInterval(looking);
    }
    lookAtProcesses();
  }, 120_000);

  afterAll(async () => {
    await platform?.stop();
    await rm(dataDir, { recursive: true });
  });

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

function lookAtProcesses(): void {
  for (const pid of descendants(process.pid)) {
    for (const file of shownFiles) {
      const text = read(`/proc/${pid}/${file}`);
      // Between fork and exec a child still has this process's environment.
      if (text !== undefined && text !== read(`/proc/self/${file}`))
        shown.set(`${file} of ${pid}, ${text.length} bytes`, text);
    }
  }
}

/** Children of all threads. */
function descendants(ancestor: number | string): string[] {
  const children = tasksOf(ancestor).flatMap((task) => {
    const pids = read(`/proc/${ancestor}/task/${task}/children`) ?? '';
    return pids.split(' ').filter((pid) => pid !== '');
  });
  return children.flatMap((pid) => [pid, ...descendants(pid)]);
}

function tasksOf(pid: number | string): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

/** Undefined when the process has ended meanwhile. */
function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}

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
