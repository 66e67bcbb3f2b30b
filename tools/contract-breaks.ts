// Lists the changes of the contract that break clients built against the commit NX_BASE (main): `nx run proto:breaking`.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const base = process.env['NX_BASE'] ?? 'main';
const folder = mkdtempSync(join(tmpdir(), 'rapport-contract-'));
try {
  const archive = execFileSync('git', ['archive', base, 'proto/rapport'], {
    cwd: root,
    maxBuffer: 64 * 1024 * 1024,
  });
  execFileSync('tar', ['-x', '-C', folder], { input: archive });
  // Of the present, because they say how to read the contract.
  for (const path of ['buf.yaml', 'proto/google']) cpSync(join(root, path), join(folder, path), { recursive: true });
  process.exitCode = spawnSync('buf', ['breaking', '--against', folder], { cwd: root, stdio: 'inherit' }).status ?? 1;
} finally {
  rmSync(folder, { recursive: true });
}
