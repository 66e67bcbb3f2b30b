import nx from '@nx/eslint-plugin';
import { createNodeResolver, importX } from 'eslint-plugin-import-x';
import regexp from 'eslint-plugin-regexp';
import security from 'eslint-plugin-security';
import tseslint from 'typescript-eslint';
import { folders as authFolders } from './apps/auth/folders.ts';
import { folders as customersFolders, forbiddenTo } from './apps/customers/folders.ts';
import { folders as syncFolders } from './apps/sync/folders.ts';

/** Who may use whom (docs/architecture.md). Nothing is allowed that is not named here. */
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

const boundaries = (constraints) => ({
  '@nx/enforce-module-boundaries': ['error', { allow: [], depConstraints: constraints }],
});

/** Each stops a mistake that lets others in, or makes us stand still; rules that only suspect are left out. */
const securityRules = {
  // Text that goes through a shell, or comes out of Math.random where it must not be guessed.
  'no-restricted-imports': ['error', { paths: [...shellFunctions, ...ciphers] }],
  'no-restricted-syntax': ['error', ...restrictedSyntax, ...localTime],
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

/** Folders of a service, lowest first: a file imports from its own and from those before it, never from files at the top. */
const folderZones = (app, folders, { top = ['*.ts'], forbidden = later(folders) } = {}) => {
  const path = (pattern) => `apps/${app}/src/${pattern}`;
  const zones = folders.map((folder) => ({
    target: path(folder),
    from: [...top, ...forbidden(folder).map((each) => `${each}/**/*`)].map(path),
    message: `${folder} imports only from folders before it (apps/${app}/folders.ts).`,
  }));
  return {
    files: [`apps/${app}/src/**/*.ts`],
    ignores: ['**/*.spec.ts'],
    settings: { 'import-x/resolver-next': [createNodeResolver({ extensionAlias: { '.js': ['.ts'] } })] },
    rules: { 'import-x/no-restricted-paths': ['error', { basePath: import.meta.dirname, zones }] },
  };
};

const later = (folders) => (folder) => folders.slice(folders.indexOf(folder) + 1);

export default tseslint.config(
  { ignores: ['**/dist', '**/node_modules', '**/src/gen', '**/test-results', '.nx', '.rapport', '**/*.config.ts'] },
  {
    files: ['**/*.{ts,tsx}'],
    extends: [tseslint.configs.base],
    // Those of oxlint, which knows its own.
    linterOptions: { reportUnusedDisableDirectives: 'off' },
    // What decorated classes import is there when they run.
    languageOptions: { parserOptions: { emitDecoratorMetadata: true, experimentalDecorators: true } },
    plugins: { '@nx': nx, 'import-x': importX, regexp, security },
    rules: {
      ...boundaries(depConstraints),
      ...securityRules,
      'import-x/order': ['error', { 'newlines-between': 'never', alphabetize: { order: 'ignore' } }],
      '@typescript-eslint/consistent-type-imports': 'error',
    },
  },
  {
    files: ['**/*.spec.ts', '**/{test,bench,seed}/**/*.ts'],
    rules: {
      ...boundaries(
        depConstraints.map((constraint) => ({
          ...constraint,
          onlyDependOnLibsWithTags: [...constraint.onlyDependOnLibsWithTags, 'type:testing'],
        })),
      ),
    },
  },
  // They make the contract file of the console before it is built, and tests make others.
  {
    files: ['apps/console/{tools,test}/*.ts', 'apps/console/src/**/*.spec.ts'],
    rules: boundaries([{ sourceTag: 'type:web', onlyDependOnLibsWithTags: ['type:contracts', 'type:testing'] }]),
  },
  {
    files: ['apps/console/src/**/*.{ts,tsx}'],
    rules: {
      // What a person sees is in their zone, which the browser knows.
      'no-restricted-syntax': ['error', ...restrictedSyntax],
    },
  },
  // It writes the client's code from the contract, and is not part of the client. So do tests that compare the two.
  {
    files: ['libs/client/{generate,test}/**/*.ts'],
    rules: boundaries([{ sourceTag: 'type:client', onlyDependOnLibsWithTags: ['type:contracts', 'type:testing'] }]),
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
    files: ['libs/platform/src/crypto/*.ts'],
    rules: { 'no-restricted-imports': ['error', { paths: shellFunctions }] },
  },
  folderZones('auth', authFolders, { top: ['*.ts', 'oidc/*.ts'] }),
  folderZones('customers', customersFolders, { forbidden: forbiddenTo }),
  folderZones('sync', syncFolders),
);
