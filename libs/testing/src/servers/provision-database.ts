import { randomBytes } from 'node:crypto';
import pg from 'pg';

const { Client, escapeIdentifier, escapeLiteral } = pg;

export interface ProvisionOptions {
  /** Password of the owner role; a new random one when absent. */
  ownerPassword?: string;
  /** Password of the app role; a new random one when absent. */
  appPassword?: string;
}

/** Connection URLs of a service's database. Both contain a password. */
export interface ProvisionedDatabase {
  /** As `<name>_owner`, which owns the database and runs migrations. */
  ownerUrl: string;
  /** As `<name>_app`, which reads and writes rows, is bound by row-level security and owns nothing. */
  appUrl: string;
}

/**
 * Creates or updates the database `name` of a service with its two roles. PUBLIC gets no right on the database, its schema
 * `public`, or the owner's objects there; the app role may read and write every table and sequence, run every function, and
 * make temporary tables. LIKE and operators of arrays may use indexes beneath row-level security.
 *
 * @param name lower-case letters, digits and underscores
 */
export async function provisionDatabase(
  superuserUrl: string,
  name: string,
  options: ProvisionOptions = {},
): Promise<ProvisionedDatabase> {
  if (!/^[a-z][a-z0-9_]{0,50}$/.test(name)) throw new Error(`"${name}" is no name for a database`);
  const ownerUrl = loginUrl(superuserUrl, name, `${name}_owner`, options.ownerPassword ?? newPassword());
  const appUrl = loginUrl(superuserUrl, name, `${name}_app`, options.appPassword ?? newPassword());
  const database = escapeIdentifier(name);
  const owner = escapeIdentifier(`${name}_owner`);
  const app = escapeIdentifier(`${name}_app`);

  await withClient(superuserUrl, async (client) => {
    for (const url of [ownerUrl, appUrl]) await ensureRole(client, url);
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [name]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${database} OWNER ${owner}`);
    await secureDatabase(client, name, `${name}_app`);
  });

  const inDatabase = new URL(superuserUrl);
  inDatabase.pathname = name;
  await withClient(inDatabase.href, (client) =>
    client.query(`
      ALTER SCHEMA public OWNER TO ${owner};
      REVOKE ALL ON SCHEMA public FROM PUBLIC;
      GRANT USAGE ON SCHEMA public TO ${app};
      ALTER DEFAULT PRIVILEGES FOR ROLE ${owner} IN SCHEMA public
        GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ${app};
      ALTER DEFAULT PRIVILEGES FOR ROLE ${owner} IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO ${app};
      -- PUBLIC's right to functions is a default of the whole database, which one for a schema can't take away.
      ALTER DEFAULT PRIVILEGES FOR ROLE ${owner} REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
      ALTER DEFAULT PRIVILEGES FOR ROLE ${owner} IN SCHEMA public GRANT EXECUTE ON FUNCTIONS TO ${app};
      -- Beneath a policy only leakproof operators can use an index. These are leakproof in effect: whether one fails
      -- depends on what is looked for, never on a row that the policy hides.
      ALTER FUNCTION pg_catalog.textlike(text, text) LEAKPROOF;
      ALTER FUNCTION pg_catalog.arraycontains(anyarray, anyarray) LEAKPROOF;
      ALTER FUNCTION pg_catalog.arrayoverlap(anyarray, anyarray) LEAKPROOF;
      ALTER FUNCTION pg_catalog.ts_match_vq(tsvector, tsquery) LEAKPROOF;
    `),
  );
  return { ownerUrl, appUrl };
}

/**
 * Creates the database `name` as a copy of another, with the same two roles, in a fraction of the time of the migrations.
 *
 * @param source a database without connections
 */
export async function copyDatabase(
  superuserUrl: string,
  source: ProvisionedDatabase,
  name: string,
): Promise<ProvisionedDatabase> {
  const owner = new URL(source.ownerUrl);
  const app = new URL(source.appUrl);
  await withClient(superuserUrl, async (client) => {
    const template = escapeIdentifier(owner.pathname.slice(1));
    // The default, to write each page to the WAL, takes a third more processor time.
    await client.query(
      `CREATE DATABASE ${escapeIdentifier(name)} OWNER ${escapeIdentifier(owner.username)} TEMPLATE ${template} STRATEGY FILE_COPY`,
    );
    await secureDatabase(client, name, app.username);
  });
  owner.pathname = name;
  app.pathname = name;
  return { ownerUrl: owner.href, appUrl: app.href };
}

/**
 * Creates databases for the tests of one process. Each is a copy of one that the first call provisions and `prepare` fills,
 * so that migrations run once.
 *
 * @param prefix of the names of the databases
 */
export class DatabaseCopies {
  #template: Promise<ProvisionedDatabase> | undefined;

  constructor(
    private readonly prefix: string,
    private readonly prepare: (template: ProvisionedDatabase) => Promise<unknown>,
  ) {}

  async next(superuserUrl: string): Promise<ProvisionedDatabase> {
    this.#template ??= this.#makeTemplate(superuserUrl);
    return copyDatabase(superuserUrl, await this.#template, this.#newName());
  }

  async #makeTemplate(superuserUrl: string): Promise<ProvisionedDatabase> {
    const template = await provisionDatabase(superuserUrl, this.#newName());
    await this.prepare(template);
    return template;
  }

  #newName(): string {
    return `${this.prefix}_${randomBytes(6).toString('hex')}`;
  }
}

/** The settings and rights of a database that a copy does not inherit. */
async function secureDatabase(client: pg.Client, name: string, appRole: string): Promise<void> {
  const database = escapeIdentifier(name);
  await client.query(`
    REVOKE ALL ON DATABASE ${database} FROM PUBLIC;
    GRANT CONNECT, TEMPORARY ON DATABASE ${database} TO ${escapeIdentifier(appRole)};
    -- The server logs errors without values, which may be personal data.
    ALTER DATABASE ${database} SET log_error_verbosity = 'terse';
    ALTER DATABASE ${database} SET log_min_error_statement = 'panic';
  `);
}

function newPassword(): string {
  return randomBytes(24).toString('base64url');
}

function loginUrl(superuserUrl: string, database: string, role: string, password: string): string {
  const url = new URL(superuserUrl);
  url.username = role;
  url.password = encodeURIComponent(password);
  url.pathname = database;
  return url.href;
}

async function ensureRole(client: pg.Client, loginUrlOfRole: string): Promise<void> {
  const { username, password } = new URL(loginUrlOfRole);
  const role = escapeIdentifier(username);
  const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [username]);
  if (rowCount === 0) await client.query(`CREATE ROLE ${role}`);
  await client.query(
    `ALTER ROLE ${role} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION ` +
      `PASSWORD ${escapeLiteral(decodeURIComponent(password))}`,
  );
}

async function withClient(url: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
