import { createHash } from 'node:crypto';
import { globSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const inputs = ['{apps,libs,proto}/**', 'tools/*', '*.json', '*.yaml'];
const ignored = ['node_modules', 'test', 'test-results', 'bench'];
const isOutput = (file: string) => /\/dist\/|\/src\/gen\//.test(file);

interface BuildState {
  /** Digest of the sources. */
  from: string;
  /** Digest of the build outputs. */
  made: string;
}

/** Whether the outputs and the sources of the last recorded build are unchanged. */
export function isBuilt(root: string): boolean {
  const last = lastBuild(root);
  const { from, made } = buildState(root);
  return last?.from === from && last.made === made;
}

/** Records the outputs of `build`, if it succeeds and no source changes meanwhile. @returns whether it succeeded */
export async function recordingBuild(root: string, build: () => Promise<boolean>): Promise<boolean> {
  const { from } = buildState(root);
  const isGood = await build();
  const after = buildState(root);
  if (isGood && after.from === from) {
    mkdirSync(join(root, '.nx/cache'), { recursive: true });
    writeFileSync(recordFile(root), JSON.stringify(after));
  }
  return isGood;
}

function buildState(root: string): BuildState {
  const [from, made] = [createHash('sha256'), createHash('sha256')];
  const exclude = (path: string) => ignored.includes(basename(path)) || path.endsWith('.tsbuildinfo');
  for (const file of globSync(inputs, { cwd: root, exclude }).toSorted()) {
    const path = join(root, file);
    if (!statSync(path).isFile()) continue;
    const bytes = readFileSync(path);
    (isOutput(file) ? made : from).update(`${file} ${bytes.length}\n`).update(bytes);
  }
  return { from: from.digest('hex'), made: made.digest('hex') };
}

function lastBuild(root: string): BuildState | undefined {
  try {
    return JSON.parse(readFileSync(recordFile(root), 'utf8')) as BuildState;
  } catch {
    return undefined;
  }
}

function recordFile(root: string): string {
  return join(root, '.nx/cache/platform-build.json');
}
