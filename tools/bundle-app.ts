// Bundles the programs of an app into its `dist`, from its sources, the libraries' `dist` and their packages:
// `node tools/bundle-app.ts auth main migrate passwords/hash-worker`. A process then loads a few files in place of two thousand.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown, type RolldownLog } from 'rolldown';
import { bundledLicences } from './bundled-licences.ts';
import { externalPackages } from './external-packages.ts';

const root = join(import.meta.dirname, '..');
const [app, ...programs] = process.argv.slice(2);
if (!app || programs.length === 0) throw new Error('Say which app, and which of its programs.');
const folder = join(root, 'apps', app);
const dist = join(folder, 'dist');

const bundle = await rolldown({
  input: Object.fromEntries(programs.map((program) => [program, join(folder, 'src', `${program}.ts`)])),
  platform: 'node',
  tsconfig: join(folder, 'tsconfig.json'),
  external: (name) => externalPackages.some((each) => name === each || name.startsWith(`${each}/`)),
  onLog: (_level, log) => refuseUnlessKnown(log),
  plugins: [
    { name: 'what-nest-loads-by-name', transform: { filter: { id: /server-grpc\.js$/ }, handler: bundleGrpc } },
  ],
});
rmSync(dist, { recursive: true, force: true });
const { output } = await bundle.write({
  dir: dist,
  format: 'esm',
  chunkFileNames: '[name].js',
  // Modules run in the order in which Node would run them: decorators need reflect-metadata before them.
  strictExecutionOrder: true,
  // Positions lead back to the sources by maps beside the code, which are read when an error is logged.
  sourcemap: true,
  sourcemapExcludeSources: true,
  minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } },
});
await bundle.close();
const moduleIds = output.flatMap((file) => (file.type === 'chunk' ? file.moduleIds : []));
writeFileSync(join(dist, 'licences.txt'), bundledLicences(moduleIds));

/**
 * NestJS' gRPC server loads two packages by their names, which a bundle cannot follow. It gets the grpc-js of our own code, of which
 * there must be one. It never gets proto-loader: our services have definitions that are compiled.
 */
function bundleGrpc(code: string): string {
  const loads = {
    "createRequire(import.meta.url)('@grpc/grpc-js')": 'grpcJs',
    'createRequire(import.meta.url)(protoLoader)': '({})',
  };
  return Object.entries(loads).reduce((changed, [load, instead]) => {
    if (!changed.includes(load)) throw new Error(`NestJS' gRPC server has no ${load} any more.`);
    return changed.replace(load, instead);
  }, `import * as grpcJs from '@grpc/grpc-js';\n${code}`);
}

/** Packages try for others that are optional, and use `eval` in ways that a bundle keeps. Our own code must resolve. */
function refuseUnlessKnown(log: RolldownLog): void {
  const isOfPackage = (log.id ?? log.loc?.file ?? log.message).includes('node_modules');
  if (!isOfPackage) throw new Error(log.message);
}
