// Lists the changes of the contract that break clients built against the commit NX_BASE (main): `nx run proto:breaking`.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const base = process.env['NX_BASE'] ?? 'main';
const folder = mkdtempSync(join(tmpdir(), 'rapport-contract-'));
try {
  const archive = execFileSync('git', ['archive', base, 'proto', 'buf.yaml'], {
    cwd: root,
    maxBuffer: 64 * 1024 * 1024,
  });
  execFileSync('tar', ['-x', '-C', folder], { input: archive });
  // Google's protos are not committed; the current ones are used.
  const google = 'node_modules/google-proto-files/google';
  for (const part of ['api', 'rpc']) cpSync(join(root, google, part), join(folder, google, part), { recursive: true });
  process.exitCode = spawnSync('buf', ['breaking', '--against', folder], { cwd: root, stdio: 'inherit' }).status ?? 1;
} finally {
  rmSync(folder, { recursive: true });
}
