import type { CatalogColumn } from './column.js';

/** Limits of a column by its declared type. Absent: unlimited, or known to the database only. */
export interface ColumnLimits {
  /** For integers. */
  minimum?: bigint;
  maximum?: bigint;
  /** For decimals: digits before and after the point. */
  integerDigits?: number;
  fractionDigits?: number;
  /** For 32-bit floats. */
  isSingle?: boolean;
  isUnsigned?: boolean;
  /** Maximum number of characters. */
  maxLength?: number;
  /** The only valid texts. */
  values?: string[];
}

const wholeBits: Readonly<Record<string, bigint>> = {
  ...{ tinyint: 8n, smallint: 16n, mediumint: 24n },
  ...{ int: 32n, integer: 32n, bigint: 64n },
};

export function columnLimits({ dataType, fullType }: Pick<CatalogColumn, 'dataType' | 'fullType'>): ColumnLimits {
  const isUnsigned = / unsigned| zerofill/.test(fullType);
  const bits = wholeBits[dataType];
  if (bits !== undefined) return { ...wholeRange(bits, isUnsigned), fractionDigits: 0 };
  const [, first, second] = /\((\d+)(?:,(-?\d+))?\)/.exec(fullType) ?? [];
  const fraction = second === undefined ? {} : { fractionDigits: Number(second) };
  switch (dataType) {
    case 'year':
      return { minimum: 1901n, maximum: 2155n, fractionDigits: 0 };
    case 'numeric':
    case 'decimal':
      return first === undefined ? {} : { ...decimalDigits(Number(first), Number(second ?? 0)), isUnsigned };
    case 'real':
    case 'float':
      return { isSingle: true, isUnsigned, ...fraction };
    case 'double':
      return { isUnsigned, ...fraction };
    case 'enum':
      return { values: [...fullType.matchAll(/'((?:[^']|'')*)'/g)].map(([, text = '']) => text.replaceAll("''", "'")) };
    default:
      return dataType.includes('char') && first !== undefined ? { maxLength: Number(first) } : {};
  }
}

/** PostgreSQL allows a negative scale, for numbers that end in zeros, which have no decimal places. */
function decimalDigits(precision: number, scale: number) {
  return { integerDigits: precision - scale, fractionDigits: Math.max(0, scale) };
}

function wholeRange(bits: bigint, isUnsigned: boolean) {
  const half = 2n ** (bits - 1n);
  return isUnsigned ? { minimum: 0n, maximum: 2n * half - 1n } : { minimum: -half, maximum: half - 1n };
}
