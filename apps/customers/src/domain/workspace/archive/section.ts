import type { EntityManager } from '@mikro-orm/postgresql';

/** A table of a workspace, and how its rows are lines of an archive. */
export interface Section {
  /** Folder in the archive, such as `records/customer`. */
  readonly name: string;
  readonly table: string;
  /** SQL of all rows of a tenant in their order. Its parameter is the id of the tenant. */
  readonly select: string;
  /** The line of a row, without the character that ends it. */
  lineOf(row: object): string;
  /**
   * Stores lines, in the transaction of `em`.
   *
   * @param round whether none of the lines has been stored, and whether they are stored whatever they refer to
   * @returns how many were stored, and how many wait for what they refer to
   * @throws AppError INVALID_ARGUMENT ARCHIVE_INVALID
   */
  insert(
    em: EntityManager,
    lines: readonly string[],
    round: { isFirst: boolean; isLast: boolean },
  ): Promise<{ stored: number; waiting: number }>;
}

/** The tables of a workspace, in the order of an archive: those before the bytes of files, and those after. */
export type Sections = Readonly<Record<'before' | 'after', readonly Section[]>>;

/** Folder of the bytes of files, each called as its hash. */
export const contentsFolder = 'files';
