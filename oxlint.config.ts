import { join } from 'node:path';
import { defineConfig } from 'oxlint';
import { folders as authFolders } from './apps/auth/folders.ts';
import { folders as customersFolders, forbiddenTo } from './apps/customers/folders.ts';
import { folders as syncFolders } from './apps/sync/folders.ts';
import type { FolderZones } from './tools/lint/folder-zones.ts';

/** Which projects may import which others (docs/architecture.md). Nothing is allowed that is not named here. */
const depConstraints = [
  { sourceTag: 'type:platform', onlyDependOnLibsWithTags: [] },
  { sourceTag: 'type:contracts', onlyDependOnLibsWithTags: ['type:platform', 'type:pure', 'type:proto'] },
  { sourceTag: 'type:persistence', onlyDependOnLibsWithTags: ['type:platform'] },
  // Time and money: so that a check of a figure needs nothing else.
  { sourceTag: 'type:pure', onlyDependOnLibsWithTags: [] },
  { sourceTag: 'type:testing', onlyDependOnLibsWithTags: [] },
  // Published without the others.
  { sourceTag: 'type:client', onlyDependOnLibsWithTags: [] },
  {
    sourceTag: 'type:service',
    onlyDependOnLibsWithTags: ['type:contracts', 'type:platform', 'type:persistence', 'type:pure'],
  },
  {
    sourceTag: 'type:edge',
    onlyDependOnLibsWithTags: ['type:contracts', 'type:platform'],
    bannedExternalImports: ['@mikro-orm/*', 'pg', 'kysely'],
  },
  // What it ships comes from the contract as a file, so that nothing of a server gets into a browser.
  { sourceTag: 'type:web', onlyDependOnLibsWithTags: ['type:client'] },
  { sourceTag: 'type:k8s', onlyDependOnLibsWithTags: [] },
  { sourceTag: 'type:load-test', onlyDependOnLibsWithTags: [] },
  { sourceTag: 'type:tool', onlyDependOnLibsWithTags: ['type:testing', 'type:contracts', 'type:platform'] },
];

type Constraint = (typeof depConstraints)[number];
type Rules = NonNullable<Parameters<typeof defineConfig>[0]['rules']>;

const boundaries = (constraints: Constraint[]): Rules => ({
  'nx/enforce-module-boundaries': ['error', { allow: [], depConstraints: constraints }],
});

/** They hand a line to a shell: `spawn` and `execFile` take the arguments apart. */
const shellFunctions = ['child_process', 'node:child_process'].map((name) => ({
  name,
  importNames: ['exec', 'execSync'],
  message: 'Use execFile or spawn, which no shell reads.',
}));

/** Nonce, tag and associated data are decided once. */
const ciphers = ['crypto', 'node:crypto'].map((name) => ({
  name,
  importNames: ['createCipheriv', 'createDecipheriv'],
  message: 'Use encrypt and decrypt of @rapport/platform.',
}));

const restrictedSyntax = [
  {
    selector: "Property[key.name='shell']:not([value.value=false])",
    message: 'No shell: give the program and its arguments apart.',
  },
  {
    selector: "Property[key.name='rejectUnauthorized'][value.value=false]",
    message: 'Verify certificates: trust a certificate authority instead.',
  },
];

/** They take the time zone of the machine. */
const localTime = [
  {
    selector:
      'CallExpression > MemberExpression.callee[property.name=/^(get|set)(Hours|Minutes|Date|Day|Month|FullYear)$|^getTimezoneOffset$|^toLocale(Date|Time)String$|^to(Date|Time)String$/]',
    message: 'Name the zone: no result depends on that of the server.',
  },
  {
    selector: "NewExpression[callee.property.name='DateTimeFormat'][arguments.length<2]",
    message: 'Name the zone: no result depends on that of the server.',
  },
  {
    selector: "NewExpression[callee.name='Date'][arguments.length>1]",
    message: 'Use Date.UTC: no result depends on the zone of the server.',
  },
];

/** Each stops a mistake that lets others in, or makes us stand still; rules that only suspect are left out. */
const securityRules: Rules = {
  // Text that goes through a shell, or comes out of Math.random where it must not be guessed.
  'no-restricted-imports': ['error', { paths: [...shellFunctions, ...ciphers] }],
  'eslint-js/no-restricted-syntax': ['error', ...restrictedSyntax, ...localTime],
  // Characters that show a reader other code than the one that runs (CVE-2021-42574).
  'security/detect-bidi-characters': 'error',
  'security/detect-invisible-characters': 'error',
  // Expressions that take more than linear time for some text.
  'regexp/no-super-linear-backtracking': ['error', { report: 'potential' }],
  'regexp/no-super-linear-move': 'error',
  // Expressions that mean something else than they look like.
  'regexp/no-misleading-unicode-character': 'error',
  'regexp/no-contradiction-with-assertion': 'error',
  'regexp/no-empty-alternative': 'error',
};

const tests = ['**/*.spec.ts', '**/{test,bench,seed}/**/*.ts'];

/** Folders of a service, lowest first: a file imports from its own and from those before it, never from files at the top. */
const zones: FolderZones[] = [
  { root: 'apps/auth/src', top: ['.', 'oidc'], forbidden: forbiddenBy(authFolders, laterThan(authFolders)) },
  { root: 'apps/customers/src', top: ['.'], forbidden: forbiddenBy(customersFolders, forbiddenTo) },
  { root: 'apps/sync/src', top: ['.'], forbidden: forbiddenBy(syncFolders, laterThan(syncFolders)) },
];

const config: ReturnType<typeof defineConfig> = defineConfig({
  plugins: ['typescript', 'import', 'react'],
  jsPlugins: [
    'eslint-plugin-regexp',
    'eslint-plugin-security',
    { name: 'eslint-js', specifier: 'oxlint-plugin-eslint' },
    { name: 'imports', specifier: 'eslint-plugin-import-x' },
    { name: 'nx', specifier: '@nx/eslint-plugin' },
    { name: 'rapport', specifier: join(import.meta.dirname, 'tools/lint/rules.ts') },
  ],
  categories: { correctness: 'off' },
  options: { typeAware: true, typeCheck: true, reportUnusedDisableDirectives: 'error', denyWarnings: true },
  ignorePatterns: [
    '**/dist',
    '**/node_modules',
    '**/src/gen',
    '**/test-results',
    '**/*.js',
    '**/*.mjs',
    'load-tests/vitest.config.ts',
    // `tools/test/lint-rules.test.ts` reads what is found in them.
    'tools/lint/faults',
  ],
  rules: {
    ...boundaries(depConstraints),
    ...securityRules,
    'imports/order': ['error', { 'newlines-between': 'never', alphabetize: { order: 'ignore' } }],
    'typescript/consistent-type-imports': 'error',
    'rapport/folder-zones': ['error', zones],
    complexity: ['error', 15],
    eqeqeq: 'error',
    'import/no-cycle': ['error', { ignoreTypes: false }],
    'max-lines': ['error', { max: 300, skipBlankLines: true, skipComments: true }],
    'max-lines-per-function': ['error', { max: 80, skipBlankLines: true, skipComments: true }],
    'no-array-constructor': 'error',
    'no-console': 'error',
    'no-eval': 'error',
    'no-new-func': 'error',
    'no-unused-expressions': 'error',
    'no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    'no-var': 'error',
    'prefer-const': 'error',
    'prefer-rest-params': 'error',
    'eslint/prefer-spread': 'error',
    'typescript/adjacent-overload-signatures': 'error',
    'typescript/array-type': 'error',
    'typescript/await-thenable': 'error',
    'typescript/ban-ts-comment': 'error',
    'typescript/ban-tslint-comment': 'error',
    'typescript/consistent-generic-constructors': 'error',
    'typescript/consistent-indexed-object-style': 'error',
    'typescript/consistent-type-assertions': 'error',
    'typescript/no-array-delete': 'error',
    'typescript/no-base-to-string': 'error',
    'typescript/no-confusing-non-null-assertion': 'error',
    'typescript/no-duplicate-enum-values': 'error',
    'typescript/no-duplicate-type-constituents': 'error',
    'typescript/no-empty-object-type': 'error',
    'typescript/no-explicit-any': 'error',
    'typescript/no-extra-non-null-assertion': 'error',
    'typescript/no-floating-promises': 'error',
    'typescript/no-for-in-array': 'error',
    'typescript/no-implied-eval': 'error',
    'typescript/no-inferrable-types': 'error',
    'typescript/no-misused-new': 'error',
    'typescript/no-misused-promises': 'error',
    'typescript/no-namespace': 'error',
    'typescript/no-non-null-asserted-optional-chain': 'error',
    'typescript/no-redundant-type-constituents': 'error',
    'typescript/no-require-imports': 'error',
    'typescript/no-this-alias': 'error',
    'typescript/no-unnecessary-type-assertion': 'error',
    'typescript/no-unnecessary-type-constraint': 'error',
    'typescript/no-unsafe-argument': 'error',
    'typescript/no-unsafe-assignment': 'error',
    'typescript/no-unsafe-call': 'error',
    'typescript/no-unsafe-declaration-merging': 'error',
    'typescript/no-unsafe-enum-comparison': 'error',
    'typescript/no-unsafe-function-type': 'error',
    'typescript/no-unsafe-member-access': 'error',
    'typescript/no-unsafe-return': 'error',
    'typescript/no-unsafe-unary-minus': 'error',
    'typescript/no-wrapper-object-types': 'error',
    'typescript/non-nullable-type-assertion-style': 'error',
    'typescript/only-throw-error': 'error',
    'typescript/prefer-as-const': 'error',
    'typescript/prefer-find': 'error',
    'typescript/prefer-for-of': 'error',
    'typescript/prefer-function-type': 'error',
    'typescript/prefer-includes': 'error',
    'typescript/prefer-namespace-keyword': 'error',
    'typescript/prefer-nullish-coalescing': 'error',
    'typescript/prefer-optional-chain': 'error',
    'typescript/prefer-promise-reject-errors': 'error',
    'typescript/prefer-regexp-exec': 'error',
    'typescript/prefer-string-starts-ends-with': 'error',
    'typescript/restrict-plus-operands': 'error',
    'typescript/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
    'typescript/triple-slash-reference': 'error',
    'typescript/unbound-method': 'error',
  },
  overrides: [
    {
      files: tests,
      rules: {
        // What describes and tests does is one function.
        'max-lines-per-function': 'off',
        'rapport/folder-zones': 'off',
        ...boundaries(
          depConstraints.map((constraint) => ({
            ...constraint,
            onlyDependOnLibsWithTags: [...constraint.onlyDependOnLibsWithTags, 'type:testing'],
          })),
        ),
      },
    },
    // What classes with decorators import is there when they run. The compiler asks for `type` where there is no value.
    { files: ['apps/{auth,customers,sync}/src/**/*.ts'], rules: { 'typescript/consistent-type-imports': 'off' } },
    // They share the set-up at the root.
    { files: ['**/*.config.ts'], rules: { 'nx/enforce-module-boundaries': 'off' } },
    // They make the contract file of the console before it is built, and tests make others.
    {
      files: ['apps/console/{tools,test}/*.ts', 'apps/console/src/**/*.spec.ts'],
      rules: boundaries([{ sourceTag: 'type:web', onlyDependOnLibsWithTags: ['type:contracts', 'type:testing'] }]),
    },
    // It writes the client's code from the contract, and is not part of the client. So do tests that compare the two.
    {
      files: ['libs/client/{generate,test}/**/*.ts'],
      rules: boundaries([{ sourceTag: 'type:client', onlyDependOnLibsWithTags: ['type:contracts', 'type:testing'] }]),
    },
    {
      files: ['apps/console/src/**/*.{ts,tsx}'],
      rules: {
        // What a person sees is in their zone, which the browser knows.
        'eslint-js/no-restricted-syntax': ['error', ...restrictedSyntax],
        // What the compiler of React would refuse.
        'react/error-boundaries': 'error',
        'react/exhaustive-deps': 'error',
        'react/globals': 'error',
        'react/immutability': 'error',
        'react/incompatible-library': 'error',
        'react/preserve-manual-memoization': 'error',
        'react/purity': 'error',
        'react/refs': 'error',
        'react/rules-of-hooks': 'error',
        'react/set-state-in-effect': 'error',
        'react/set-state-in-render': 'error',
        'react/static-components': 'error',
        'react/unsupported-syntax': 'error',
        'react/use-memo': 'error',
      },
    },
    // A released migration must not change with the code around it.
    {
      files: ['**/migrations/*.migration.ts', 'apps/*/src/migrations/*.ts'],
      rules: {
        'no-restricted-imports': [
          'error',
          {
            paths: [...shellFunctions, ...ciphers],
            patterns: [
              { regex: String.raw`^(?:\.\./|@rapport/)`, message: 'A migration imports only what is beside it.' },
            ],
          },
        ],
      },
    },
    {
      // One long text of SQL.
      files: ['**/*.migration.ts'],
      rules: { 'max-lines-per-function': 'off' },
    },
    {
      files: ['libs/platform/src/crypto/*.ts'],
      rules: { 'no-restricted-imports': ['error', { paths: shellFunctions }] },
    },
    {
      files: ['tools/**/*.ts', 'libs/testing/**/*.ts', '**/bench/**/*.ts'],
      rules: { 'no-console': 'off' },
    },
  ],
});

export default config;

function forbiddenBy(folders: readonly string[], forbidden: (folder: string) => string[]): Record<string, string[]> {
  return Object.fromEntries(folders.map((folder) => [folder, forbidden(folder)]));
}

function laterThan(folders: readonly string[]) {
  return (folder: string) => folders.slice(folders.indexOf(folder) + 1);
}
