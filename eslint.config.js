import nx from '@nx/eslint-plugin';
import prettier from 'eslint-config-prettier';
import { importX } from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

/** Who may use whom (docs/architecture.md). Nothing is allowed that is not named here. */
const depConstraints = [
  { sourceTag: 'type:platform', onlyDependOnLibsWithTags: [] },
  { sourceTag: 'type:contracts', onlyDependOnLibsWithTags: ['type:platform', 'type:proto'] },
  { sourceTag: 'type:persistence', onlyDependOnLibsWithTags: ['type:platform'] },
  { sourceTag: 'type:testing', onlyDependOnLibsWithTags: [] },
  {
    sourceTag: 'type:service',
    onlyDependOnLibsWithTags: ['type:contracts', 'type:platform', 'type:persistence'],
  },
  {
    sourceTag: 'type:edge',
    onlyDependOnLibsWithTags: ['type:contracts', 'type:platform'],
    bannedExternalImports: ['@mikro-orm/*', 'pg', 'kysely'],
  },
  { sourceTag: 'type:k8s', onlyDependOnLibsWithTags: [] },
  { sourceTag: 'type:load-test', onlyDependOnLibsWithTags: [] },
  { sourceTag: 'type:tool', onlyDependOnLibsWithTags: ['type:testing', 'type:contracts', 'type:platform'] },
];

const boundaries = (constraints) => ({
  '@nx/enforce-module-boundaries': ['error', { allow: [], depConstraints: constraints }],
});

export default tseslint.config(
  { ignores: ['**/dist', '**/node_modules', '**/src/gen', '**/test-results', '.nx', '.rapport', '**/*.config.ts'] },
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.recommendedTypeChecked, ...tseslint.configs.stylisticTypeChecked],
    plugins: { '@nx': nx, 'import-x': importX },
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      ...boundaries(depConstraints),
      'max-lines': ['error', { max: 300, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 80, skipBlankLines: true, skipComments: true }],
      complexity: ['error', 15],
      'import-x/order': ['error', { 'newlines-between': 'never', alphabetize: { order: 'ignore' } }],
      eqeqeq: 'error',
      'no-console': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // Decorated classes and Fastify's hooks are empty or async without await by design.
      '@typescript-eslint/no-extraneous-class': 'off',
      '@typescript-eslint/require-await': 'off',
      // Index signatures of `process.env` and of parsed JSON are read by key.
      '@typescript-eslint/dot-notation': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/consistent-type-definitions': 'off',
      '@typescript-eslint/class-literal-property-style': 'off',
      '@typescript-eslint/no-empty-function': 'off',
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
      'max-lines-per-function': 'off',
    },
  },
  // One long text of SQL.
  { files: ['**/*.migration.ts'], rules: { 'max-lines-per-function': 'off' } },
  { files: ['tools/**/*.ts', 'libs/testing/**/*.ts', '**/bench/**/*.ts'], rules: { 'no-console': 'off' } },
  prettier,
);
