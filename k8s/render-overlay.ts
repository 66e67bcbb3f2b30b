import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { Manifest } from './manifest.ts';

/** The manifests of an overlay as they would be applied. @throws Error when it can't be rendered */
export function renderOverlay(name: string): Manifest[] {
  ensureKubectl();
  const text = execFileSync('kubectl', ['kustomize', join(import.meta.dirname, 'overlays', name)], {
    encoding: 'utf8',
  });
  return parseAllDocuments(text).map((document) => document.toJS() as Manifest);
}

/** Debian has kubectl in a package, which root can install. */
function ensureKubectl(): void {
  if (works('kubectl', ['version', '--client'])) return;
  if (process.getuid?.() !== 0 || !works('apt-get', ['--version']))
    throw new Error('kubectl is needed to render the manifests (Debian: apt-get install kubernetes-client).');
  aptGet('update', '-qq');
  aptGet('install', '-qq', '-y', '--no-install-recommends', 'kubernetes-client');
}

function aptGet(...args: string[]): void {
  execFileSync('apt-get', args, { stdio: ['ignore', 'ignore', 'inherit'] });
}

function works(command: string, args: string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}
