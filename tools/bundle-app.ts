// Bundles the programs of an app into its `dist`, from its sources, the libraries' `dist` and their packages:
// `node tools/bundle-app.ts auth main migrate sign-in/passwords/hash-worker`. A process then loads a few files in place of two thousand.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { dirname, join } from 'node:path';
import { rolldown, type Plugin, type RolldownLog } from 'rolldown';
import { viteImportGlobPlugin } from 'rolldown/experimental';
import { bundledLicences } from './bundled-licences.ts';
import { externalPackages } from './external-packages.ts';

const root = join(import.meta.dirname, '..');
const [app, ...programs] = process.argv.slice(2);
if (!app || programs.length === 0) throw new Error('Usage: bundle-app.ts <app> <program> …');
const folder = join(root, 'apps', app);
const dist = join(folder, 'dist');

/** What packages make when they are loaded, and use rarely or later. */
const madeWhenNeeded = [
  {
    // Nest's own loggers create a date format, which takes 25 ms. They are used only before ours: one for each line.
    file: /logger\.service\.js$/,
    made: 'const dateTimeFormatter = new Intl.DateTimeFormat(',
    instead: `const later = (...given) => ({ format: (date) => new Intl.DateTimeFormat(...given).format(date) });
      const dateTimeFormatter = later(`,
  },
  ...['conjunction', 'disjunction'].map((type) => ({
    // The OpenID provider creates the list formats of its error texts, which takes 13 ms.
    file: /\/oidc-provider\/lib\/helpers\/formatters\.js$/,
    made: `const ${type} = new Intl.ListFormat('en', { type: '${type}' });`,
    instead: `const ${type} = { format: (list) => new Intl.ListFormat('en', { type: '${type}' }).format(list) };`,
  })),
  {
    // Fastify's router compiles a function for each part of a path, which takes 50 ms for all of the contract. Now only for
    // those that requests often use.
    file: /\/find-my-way\/lib\/node\.js$/,
    made: 'function compilePrefixMatch (prefix) {',
    instead: `function compilePrefixMatch (prefix) {
        let uses = 0;
        return function (path, i) {
          if (++uses > 100) this.matchPrefix = compileOftenUsed(prefix);
          return path.startsWith(prefix, i);
        };
      }
      function compileOftenUsed (prefix) {`,
  },
];

const bundle = await rolldown({
  input: Object.fromEntries(programs.map((program) => [program, join(folder, 'src', `${program}.ts`)])),
  platform: 'node',
  tsconfig: join(folder, 'tsconfig.json'),
  external: (name) => externalPackages.some((each) => name === each || name.startsWith(`${each}/`)),
  onLog: (_level, log) => refuseUnlessKnown(log),
  // No module of our libraries has side effects, so a program bundles only the modules that it uses, with their packages.
  treeshake: {
    moduleSideEffects: [
      { test: /\/libs\/time\/dist\/(global-)?temporal\.js$/, sideEffects: true },
      { test: /\/libs\/[a-z]+\/dist\//, sideEffects: false },
    ],
  },
  plugins: [
    { name: 'what-nest-loads-by-name', transform: { filter: { id: /server-grpc\.js$/ }, handler: bundleGrpc } },
    ...madeWhenNeeded.map(makeLate),
    lightHttp(),
    viteImportGlobPlugin(),
    rawFiles(),
  ],
});
rmSync(dist, { recursive: true, force: true });
const { output } = await bundle.write({
  dir: dist,
  format: 'esm',
  chunkFileNames: '[name].js',
  // Modules run in Node's order: decorators need reflect-metadata before them.
  strictExecutionOrder: true,
  // Source maps are separate files, which are read when an error is logged.
  sourcemap: true,
  sourcemapExcludeSources: true,
  // Node reads ASCII in a fifth of the time of other text, and stores it in half of the memory. A comment of this package
  // is not ASCII, so the package gets a separate file.
  charset: 'ascii',
  codeSplitting: { groups: [{ name: 'light-my-request', test: /\/node_modules\/light-my-request\// }] },
  minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } },
});
await bundle.close();
const moduleIds = output.flatMap((file) => (file.type === 'chunk' ? file.moduleIds : []));
writeFileSync(join(dist, 'licences.txt'), bundledLicences(moduleIds));

/**
 * An import of `node:http` reads each of its exports. Three of them, such as WebSocket, make Node load its fetch, which takes more
 * processor time than the rest of its start. `process.getBuiltinModule` reads no exports, and the bundle only those that are listed.
 */
function lightHttp(): Plugin {
  const id = '\0light-http';
  const ofFetch = ['CloseEvent', 'MessageEvent', 'WebSocket'];
  const names = Object.keys(http).filter((name) => !ofFetch.includes(name));
  return {
    name: 'light-http',
    resolveId: {
      filter: { id: /^(node:)?http$/ },
      handler: (_name, _importer, { kind }) => (kind === 'import-statement' ? id : undefined),
    },
    load: {
      filter: { id: /^\0light-http$/ },
      handler: () => `const http = process.getBuiltinModule('node:http');
        export default http;
        export const { ${names.join(', ')} } = http;`,
    },
  };
}

/** Puts in the text of a file that is imported with `?raw`, as Vite does. */
function rawFiles(): Plugin {
  return {
    name: 'raw-files',
    resolveId: { filter: { id: /\?raw$/ }, handler: (name, importer = '') => join(dirname(importer), name) },
    load: {
      filter: { id: /\?raw$/ },
      handler: (id) => `export default ${JSON.stringify(readFileSync(id.slice(0, -'?raw'.length), 'utf8'))};`,
    },
  };
}

/**
 * NestJS' gRPC server loads two packages by their names, which a bundler can't follow. It gets our own grpc-js, because
 * there must be only one. It gets no proto-loader: our services have compiled definitions.
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

/** Replaces what a package makes when it is loaded. */
function makeLate({ file, made, instead }: (typeof madeWhenNeeded)[number]): Plugin {
  return {
    name: 'made-when-needed',
    transform: {
      filter: { id: file },
      handler: (code, id) => {
        if (!code.includes(made)) throw new Error(`${id} has no ${made} any more.`);
        return code.replace(made, () => instead);
      },
    },
  };
}

/** Packages import optional ones, and use `eval` in ways that survive bundling. Our own code must resolve. */
function refuseUnlessKnown(log: RolldownLog): void {
  const isOfPackage = (log.id ?? log.loc?.file ?? log.message).includes('node_modules');
  if (!isOfPackage) throw new Error(log.message);
}
