import type { EntityManager } from '@mikro-orm/postgresql';

/** A table of a workspace, and its representation as lines of an archive. */
export interface Section {
  /** Folder in the archive, such as `records/customer`. */
  readonly name: string;
  readonly table: string;
  /** SQL of all rows of a tenant in their order. Its parameter is the id of the tenant. */
  readonly select: string;
  /** The lines of rows, without line breaks, and with decrypted personal data. */
  linesOf(rows: readonly object[]): Promise<string[]>;
  /**
   * Stores lines, in the transaction of `em`.
   *
   * @param round whether no line has been stored yet, and whether to store lines with missing references too
   * @returns how many were stored, and how many wait for their references
   * @throws AppError INVALID_ARGUMENT ARCHIVE_INVALID
   */
  insert(
    em: EntityManager,
    lines: readonly string[],
    round: { isFirst: boolean; isLast: boolean },
  ): Promise<{ stored: number; waiting: number }>;
  /** Whether all of these lines are stored, which an earlier round has read: only records wait for their references. */
  hasAll(em: EntityManager, lines: readonly string[]): Promise<boolean>;
}

/** The tables of a workspace, in the order of an archive: those before the bytes of files, and those after. */
export type Sections = Readonly<Record<'before' | 'after', readonly Section[]>>;

/** Folder of the bytes of files. */
export const contentsFolder = 'files';

/**
 * Name of a file's bytes in an archive: their hash and their content id in base64url, since names in an archive have at
 * most 100 characters.
 */
export function contentName({ sha256, contentId }: { sha256: string; contentId: string }): string {
  return `${contentsFolder}/${sha256}.${Buffer.from(contentId.replaceAll('-', ''), 'hex').toString('base64url')}`;
}

/** Parses a name of `contentName`; undefined for any other. */
export function readContentName(name: string): { sha256: string; contentId: string } | undefined {
  const [, sha256, id = ''] = /^files\/([0-9a-f]{64})\.([\w-]{22})$/.exec(name) ?? [];
  if (sha256 === undefined) return undefined;
  const hex = Buffer.from(id, 'base64url').toString('hex');
  return { sha256, contentId: hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-') };
}
