import type { RecordField } from '../description.js';

/** A column of the catalogue. */
export interface CatalogColumn {
  name: string;
  /** SQL name of the type, such as `bigint`. */
  dataType: string;
  /** With its details, such as `int(10) unsigned`. */
  fullType: string;
  nullable: boolean;
  hasDefault: boolean;
  /** Computed by the database. */
  generated: boolean;
  /** Decimal places of seconds. */
  precision: number;
  /** Privileges of the user on the column. */
  rights: { select: boolean; insert: boolean; update: boolean };
}

export interface Column extends CatalogColumn {
  type: Exclude<RecordField['type'], 'UNSUPPORTED'>;
  /** False for a type with unknown valid values. */
  isListed: boolean;
  /** Time zone of a column whose times have none. */
  timeZone?: string;
}
