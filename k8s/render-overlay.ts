import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { ensureProgram } from './ensure-program.ts';
import type { Manifest } from './manifest.ts';

/** The manifests of an overlay as they would be applied. @throws Error when it can't be rendered */
export function renderOverlay(name: string): Manifest[] {
  ensureProgram('kubectl', ['version', '--client'], 'kubernetes-client');
  const text = execFileSync('kubectl', ['kustomize', join(import.meta.dirname, 'overlays', name)], {
    encoding: 'utf8',
  });
  return parseAllDocuments(text).map((document) => document.toJS() as Manifest);
}
