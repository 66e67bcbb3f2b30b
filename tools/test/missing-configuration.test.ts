import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const apps = join(import.meta.dirname, '../../apps');

test.each([
  ['edge/dist/main.js', 'AUTH_ADDRESS'],
  ['auth/dist/main.js', 'DATABASE_URL'],
  ['customers/dist/migrate.js', 'MIGRATION_DATABASE_URL'],
  ['customers/dist/verify-audit.js', 'DATABASE_URL'],
  ['sync/dist/quarantine.js', 'DATABASE_URL'],
])('%s says in one sentence which variable is missing', async (program, variable) => {
  const ended = promisify(execFile)(process.execPath, [join(apps, program)], { env: {} });
  const line = new RegExp(`^Configuration is not valid\\. [^\\n]*\\b${variable}: is missing\\b[^\\n]*\\n$`);
  await expect(ended).rejects.toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(line) as string });
});

test('a file that is missing is named, too', async () => {
  const env = { DATABASE_URL_FILE: '/run/secrets/no-such-file' };
  const ended = promisify(execFile)(process.execPath, [join(apps, 'customers/dist/verify-audit.js')], { env });
  await expect(ended).rejects.toMatchObject({
    code: 1,
    stderr: 'Configuration is not valid. DATABASE_URL_FILE: the file can not be read (ENOENT)\n',
  });
});
