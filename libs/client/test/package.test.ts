import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';
import { afterAll, beforeAll, expect, test } from 'vitest';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../../..');
const typescript = join(root, 'node_modules/typescript-native/bin/tsc');

/** A program that has installed the packed client. */
let consumer: string;
let packed: { files: { path: string }[] };

beforeAll(async () => {
  consumer = await mkdtemp(join(tmpdir(), 'rapport-consumer-'));
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', consumer], {
    cwd: join(root, 'libs/client'),
  });
  const [facts] = JSON.parse(stdout) as { filename: string; files: { path: string }[] }[];
  packed = facts!;
  await writeFile(join(consumer, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }));
  const install = ['install', '--offline', '--no-audit', '--no-fund', join(consumer, facts!.filename)];
  await run('npm', install, { cwd: consumer });
});

afterAll(() => rm(consumer, { recursive: true }));

test('the package has the modules and their types, and no dependencies', async () => {
  const paths = packed.files.map(({ path }) => path);
  const text = await readFile(join(consumer, 'node_modules/@rapport/client/package.json'), 'utf8');

  expect(paths.filter((path) => !/^dist\/(gen\/)?[\w-]+\.(js|d\.ts)$/.test(path)).toSorted()).toEqual([
    'LICENSE',
    'README.md',
    'package.json',
  ]);
  expect(paths).toEqual(expect.arrayContaining(['dist/index.js', 'dist/changes.d.ts', 'dist/webhooks.js']));
  expect(paths.filter((path) => path.includes('spec'))).toEqual([]);
  expect(JSON.parse(text)).not.toHaveProperty('dependencies');
});

test('each module of the package can be imported', async () => {
  const lines = ['', '/changes', '/webhooks'].map((path) => `Object.keys(await import('@rapport/client${path}'))`);
  const script = `console.log(JSON.stringify([${lines.join(',')}]))`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script], { cwd: consumer });

  expect(JSON.parse(stdout)).toEqual([['Paged', 'Rapport', 'RapportError'], ['follow'], ['WebhookError', 'verify']]);
});

const strict = [
  '--strict',
  '--exactOptionalPropertyTypes',
  '--noUncheckedIndexedAccess',
  '--noEmit',
  '--module',
  'nodenext',
];

test.each([
  ['a browser', ['--lib', 'es2022,dom,dom.iterable,dom.asynciterable', '--types', '']],
  ['Node', ['--lib', 'es2022', '--types', 'node', '--skipLibCheck']],
])('a program for %s compiles strictly', async (_, flags) => {
  await mkdir(join(consumer, 'node_modules/@types'), { recursive: true });
  await symlink(join(root, 'node_modules/@types/node'), join(consumer, 'node_modules/@types/node')).catch(ifThere);
  await symlink(join(root, 'node_modules/undici-types'), join(consumer, 'node_modules/undici-types')).catch(ifThere);
  const text = await readFile(join(import.meta.dirname, 'consumer.ts'), 'utf8');
  const own = text
    .replace('../src/index.ts', '@rapport/client')
    .replaceAll(/\.\.\/src\/(\w+)\.ts/g, '@rapport/client/$1');
  await writeFile(join(consumer, 'consumer.ts'), own);

  await expect(compile([...flags, 'consumer.ts'])).resolves.toBe('');
});

test('a program with wrong types does not compile', async () => {
  const wrong = [
    `import { Rapport } from '@rapport/client';`,
    `const rapport = new Rapport({ baseUrl: '' });`,
    `await rapport.customers.create({ kind: 'ROBOT' });`,
    `await rapport.customers.create({ givenName: 'Ada' });`,
    `await rapport.customers.get({ id: 'a' }, { ifMatch: '*' });`,
    `(await rapport.customers.get({ id: 'a' })).nickname;`,
    `(await rapport.customers.get({ id: 'a', readMask: 'id' })).etag.length;`,
    `rapport.records<{ seats: number }>('a').create({ name: 'a', customFields: { seats: 'many' } });`,
    `for await (const event of rapport.changes.follow({ onExpired: 'snapshot', types: ['deal'] })) event;`,
  ];
  await writeFile(join(consumer, 'wrong.ts'), wrong.join('\n'));
  const output = await compile(['--pretty', 'false', '--lib', 'es2022,dom', '--types', '', 'wrong.ts']);
  const lines = [...output.matchAll(/^wrong\.ts\((\d+),/gm)].map(([, line]) => Number(line));

  expect([...new Set(lines)]).toEqual([3, 4, 5, 6, 7, 8, 9]);
});

test('the examples of the README compile', async () => {
  const readme = await readFile(join(import.meta.dirname, '../README.md'), 'utf8');
  const blocks = [...readme.matchAll(/```ts\n([^]*?)```/g)].map(([, block = '']) => block);
  const given = [
    `import { RapportError } from '@rapport/client';`,
    `declare const process: { env: { RAPPORT_KEY?: string } };`,
    `declare const console: { log: (...values: unknown[]) => void };`,
    `declare const other: { id: string };`,
    `declare const pdf: Blob;`,
    `declare const secret: string;`,
    `declare const request: Request;`,
    `declare function openAsBlob(path: string): Promise<Blob>;`,
    `declare function readCursor(): Promise<string | undefined>;`,
    `declare function storeCursor(cursor: string): Promise<void>;`,
    `declare function work(change: object): Promise<void>;`,
  ];
  // Each block goes on where the one before ends, in a scope of its own for the names that it uses again.
  const [first = '', ...others] = blocks.map((block) => block.replaceAll(/^import .*$/gm, ''));
  const imports = blocks.flatMap((block) => block.match(/^import .*$/gm) ?? []);
  await writeFile(
    join(consumer, 'readme.ts'),
    [...imports, ...given, first, ...others.map((block) => `{\n${block}}`)]
      .join('\n')
      .replace(/declare const console.*\n/, ''),
  );

  expect(blocks.length).toBeGreaterThan(7);
  await expect(compile(['--lib', 'es2022,dom,dom.asynciterable', '--types', '', 'readme.ts'])).resolves.toBe('');
});

test.each([
  ['without its table of operations', 8, (id: string) => id.includes('/gen/')],
  ['with everything', 12, () => false],
])('the client %s takes at most %i KB compressed', async (_, most, external) => {
  const bundle = await rolldown({ input: join(consumer, 'node_modules/@rapport/client/dist/index.js'), external });
  const { output } = await bundle.generate({ minify: true });
  await bundle.close();

  expect(output.map(({ fileName }) => fileName)).toEqual(['index.js']);
  expect(gzipSync(output[0].code, { level: 9 }).length).toBeLessThanOrEqual(most * 1024);
});

/** What the compiler prints. */
function compile(args: string[]): Promise<string> {
  return run(process.execPath, [typescript, ...strict, ...args], { cwd: consumer }).then(
    ({ stdout }) => stdout,
    ({ stdout }: { stdout: string }) => stdout,
  );
}

function ifThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}
