import type { RecordField } from '../description.js';

/** A column as the catalogue has it. */
export interface CatalogColumn {
  name: string;
  /** As SQL calls it, such as `bigint`. */
  dataType: string;
  /** With its details, such as `int(10) unsigned`. */
  fullType: string;
  nullable: boolean;
  hasDefault: boolean;
  /** Computed by the database. */
  generated: boolean;
  /** Digits of the fractions of seconds. */
  precision: number;
  /** What the user may do with it. */
  rights: { select: boolean; insert: boolean; update: boolean };
}

export interface Column extends CatalogColumn {
  type: Exclude<RecordField['type'], 'UNSUPPORTED'>;
  /** False: what may be written to a column of this type is not known. */
  isListed: boolean;
  /** Of the times of a column that says none. */
  timeZone?: string;
}
