import { execFile, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { isSoak, sharedPlatform, soakTimeoutMs } from '@rapport/testing';
import { rolldown } from 'rolldown';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { generators, type Generator } from './generators.ts';

const run = promisify(execFile);
const document = readFileSync(join(import.meta.dirname, '../../docs/clients.md'), 'utf8');
/** Of a version that all generators take. */
const compiler = { typescript: '5.9.3', '@types/node': '24.19.2' };
const flags = ['--strict', '--noEmit', '--target', 'es2022', '--module', 'esnext', '--moduleResolution', 'bundler'];

/** A generator with one of its documents. */
const cases = Object.entries(generators).flatMap(([name, generator]) =>
  generator.documents.map((input) => ({ name, generator, input })),
);

let folder: string;
let environment: NodeJS.ProcessEnv;

test.each(Object.entries(generators))('docs/clients.md shows %s as it is tested', (name, { packages, command }) => {
  expect(document).toContain(`\n${command}\n`);
  const [row = ''] = new RegExp(`^\\| \`${Object.keys(packages)[0]}\` .*$`, 'm').exec(document) ?? [];
  for (const version of Object.values(packages)) expect(row, name).toContain(version);
});

// The packages, some 230, are installed for the long form only.
if (isSoak) {
  beforeAll(async () => {
    const platform = await sharedPlatform(inject('platformUrl'));
    const { apiKey } = await platform.createTenant('Generated clients');
    environment = { ...process.env, URL: platform.edgeUrl, KEY: apiKey };
    folder = await mkdtemp(join(tmpdir(), 'rapport-clients-'));
    await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
    const packages = Object.values(generators).reduce((all, { packages: own }) => ({ ...all, ...own }), compiler);
    const named = Object.entries(packages).map(([name, version]) => `${name}@${version}`);
    await run('npm', ['install', ...named, '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder });
  }, soakTimeoutMs);

  afterAll(() => rm(folder, { recursive: true }));

  test.each(cases)(
    '$name generates from $input what compiles strictly and works',
    async ({ name, generator, input }) => {
      const answers = await tryGenerator(name, generator, input);
      expect(answers).toEqual({
        listed: expect.any(Number) as number,
        created: 'Generated Ltd',
        failed: 'CUSTOMER_NOT_FOUND',
      });
    },
  );

  const starts = [
    ['python', 'python3', 'start.py', '201 Example Ltd'],
    ['java', 'java', 'Start.java', '201 {'],
  ] as const;
  const known = starts.filter(([, command]) => spawnSync(command, ['--version']).status === 0);
  test.each(known)('the start in %s creates a customer', async (language, command, file, output) => {
    const [, text = ''] = new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'm').exec(document) ?? [];
    const source =
      language === 'java' ? `class Start { public static void main(String[] of) throws Exception {\n${text}}}` : text;
    await writeFile(join(folder, file), source);
    const { stdout } = await run(command, [file], { cwd: folder, env: environment });
    expect(stdout).toContain(output);
  });
}

/** @returns what the program prints that uses the generated code */
async function tryGenerator(name: string, { command, documents, program }: Generator, input: string): Promise<unknown> {
  const own = join(folder, `${name}-${input}`);
  await mkdir(own);
  const text = await (await fetch(`${environment['URL']}/${input}`)).text();
  await writeFile(join(own, input), text);
  const [file = '', ...args] = command.replace(documents[0] ?? '', input).split(' ');
  await runTool(own, file, args);
  await writeFile(join(own, 'program.ts'), program);
  await runTool(own, 'tsc', [...flags, '--types', 'node', 'program.ts']);
  const bundle = await rolldown({ input: join(own, 'program.ts'), platform: 'node', logLevel: 'silent' });
  await bundle.write({ file: join(own, 'program.js'), codeSplitting: false });
  await bundle.close();
  const { stdout } = await run(process.execPath, ['program.js'], { cwd: own, env: environment });
  return JSON.parse(stdout);
}

/** Runs an installed program. @throws Error with what it prints: a compiler's errors are on stdout. */
async function runTool(cwd: string, name: string, args: readonly string[]): Promise<void> {
  await run(join(folder, 'node_modules/.bin', name), args, { cwd }).catch(
    (error: { stdout: string; stderr: string }) => {
      throw new Error(`${name} ${args.join(' ')}\n${error.stdout.slice(0, 2_000)}${error.stderr.slice(0, 2_000)}`, {
        cause: error,
      });
    },
  );
}
