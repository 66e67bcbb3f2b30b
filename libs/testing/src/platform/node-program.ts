import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../../../..');

/**
 * The Node that runs programs of this repository: that of the caller, or the workspace's when the caller's is older than the
 * `engines` of package.json ask for. Scripts outside the repository import this library with the Node of the machine.
 */
export function nodeProgram(version = process.versions.node, current = process.execPath): string {
  const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { engines: { node: string } };
  const needed = /^>=(\d+)$/.exec(engines.node)?.[1];
  if (needed === undefined) throw new Error(`engines.node is not like ">=24": ${engines.node}`);
  return Number.parseInt(version, 10) < Number(needed) ? join(root, 'node_modules/.bin/node') : current;
}
