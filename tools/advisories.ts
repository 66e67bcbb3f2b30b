// Asks the registry for known vulnerabilities of the packages that package-lock.json names: `npm run advisories`. The exit
// code is 0 when there are none, 1 when there are, and 2 when the registry can't be asked from here.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { judgeAudit } from './judge-audit.ts';

const { stdout } = spawnSync('npm', ['audit', '--json'], {
  cwd: join(import.meta.dirname, '..'),
  encoding: 'utf8',
  timeout: 120_000,
});
const { outcome, lines } = judgeAudit(stdout);
for (const line of lines) console.log(line);
process.exitCode = { none: 0, found: 1, unknown: 2 }[outcome];
