// The folders of apps/auth/src and what each may import: oxlint.config.ts derives lint zones from it.

/** Lowest first. A file imports from its own folder and from those before it. */
export const folders: readonly string[] = [
  // Entities, migrations, and the keys that protect stored values.
  'storage',
  'security-events',
  // Locks and closes tenants.
  'tenants',
  // Permissions, roles, and the rights of principals.
  'access',
  // Passwords, second factor, sessions, throttling, mail; the texts of pages and mails.
  'sign-in',
  // Users, their accounts, teams.
  'users',
  'oidc/clients',
  // What the provider stores.
  'oidc/records',
  'oidc/tokens',
  // How pages look.
  'oidc/look',
  'oidc/pages',
  'oidc/provider',
  'api-keys',
];
