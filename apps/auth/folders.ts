// The folders of apps/auth/src and what each may import: lint zones are made of this (eslint.config.js).

/** Lowest first. A file imports from its own folder and from those before it. */
export const folders: readonly string[] = [
  // Entities, migrations, and the keys that protect stored values.
  'storage',
  'security-events',
  // Locks and closes tenants.
  'tenants',
  // Permissions, roles, and the rights of principals.
  'access',
  // Passwords, second factor, sessions, throttling, mail.
  'sign-in',
  // Users, their accounts, teams.
  'users',
  'oidc/clients',
  // What the provider stores.
  'oidc/records',
  'oidc/tokens',
  'oidc/pages',
  'oidc/provider',
  'api-keys',
];

/** The zones of `import-x/no-restricted-paths`. */
export function importZones() {
  const path = (pattern: string) => `apps/auth/src/${pattern}`;
  return folders.map((folder, place) => ({
    target: path(folder),
    from: ['*.ts', 'oidc/*.ts', ...folders.slice(place + 1).map((each) => `${each}/**/*`)].map(path),
    message: `${folder} imports only from folders before it (apps/auth/folders.ts).`,
  }));
}
