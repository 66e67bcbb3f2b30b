import type { Content } from './edits.ts';

export type Engine = 'POSTGRESQL' | 'MARIADB';

/** A column of a type, and the custom field that it is exchanged with. Values of the test are the texts that customers show. */
export interface TypedField {
  name: string;
  type: 'NUMBER' | 'DECIMAL' | 'BOOLEAN' | 'DATE' | 'TIME' | 'TEXT' | 'SELECT';
  /** Where a database has none, the field is not exchanged with it. */
  columns: Partial<Record<Engine, string>>;
  /** False where there are so few values that they come again. */
  isUnique?: false;
  value: (number: number) => string;
}

const colours = ['red', 'green', 'blue'];
const enumeration = `enum('${colours.join(`','`)}')`;
const two = (number: number) => String(number).padStart(2, '0');
const moment = (ms: number) => new Date(ms).toISOString();

/** Half of them in summer, and none near a change of clocks. */
function zonedMoment(number: number): string {
  const start = Date.UTC(2026, number % 2 === 0 ? 0 : 6, 2);
  return moment(start + (number % 38_000) * 60_000);
}

export const typedFields: readonly TypedField[] = [
  { name: 'small', type: 'NUMBER', columns: both('smallint'), value: (n) => String((n % 30_000) - 15_000) },
  { name: 'whole', type: 'NUMBER', columns: both('int'), value: (n) => String(n * 997 - 1_000_000) },
  // Beyond what a binary fraction keeps.
  { name: 'big', type: 'DECIMAL', columns: both('bigint'), value: (n) => String(9_007_199_254_740_993n + BigInt(n)) },
  { name: 'price', type: 'DECIMAL', columns: both('decimal(14,2)'), value: (n) => `${n}.${two(n % 100)}` },
  { name: 'weight', type: 'NUMBER', columns: both('double precision'), value: (n) => `${n}.125` },
  { name: 'single', type: 'NUMBER', columns: { POSTGRESQL: 'real' }, value: (n) => `${n % 100_000}.5` },
  {
    ...{ name: 'agreed', type: 'BOOLEAN', isUnique: false },
    columns: { POSTGRESQL: 'boolean', MARIADB: 'tinyint(1)' },
    value: (n) => String(n % 2 === 0),
  },
  { name: 'day', type: 'DATE', columns: both('date'), value: (n) => moment(n * 86_400_000).slice(0, 10) },
  {
    ...{ name: 'met', type: 'TIME' },
    columns: { POSTGRESQL: 'timestamptz', MARIADB: 'timestamp(6) NULL' },
    value: (n) => moment(Date.UTC(2026, 2, 1) + n * 61_007),
  },
  {
    ...{ name: 'local', type: 'TIME' },
    columns: { POSTGRESQL: 'timestamp', MARIADB: 'datetime(6)' },
    value: zonedMoment,
  },
  { name: 'words', type: 'TEXT', columns: both('varchar(80)'), value: (n) => `Größe 😀 ${n}` },
  { name: 'clock', type: 'TEXT', columns: { POSTGRESQL: 'time', MARIADB: 'time' }, value: clock },
  {
    ...{ name: 'token', type: 'TEXT', columns: both('uuid') },
    value: (n) => `019ab2f4-0000-7000-8000-${String(n).padStart(12, '0')}`,
  },
  {
    name: 'network',
    type: 'TEXT',
    columns: { POSTGRESQL: 'cidr' },
    value: (n) => `10.${(n >> 8) % 256}.${n % 256}.0/24`,
  },
  { name: 'document', type: 'TEXT', columns: { POSTGRESQL: 'jsonb' }, value: (n) => `Text "${n}"` },
  {
    ...{ name: 'colour', type: 'SELECT', isUnique: false },
    columns: { POSTGRESQL: 'colour', MARIADB: enumeration },
    value: (n) => colours[n % 3] ?? '',
  },
];

/** The type that columns of PostgreSQL have for colours. */
export const colourType = `CREATE TYPE colour AS ${enumeration}`;

export const colourOptions = colours.map((value) => ({ value }));

export function fieldsOf(engine: Engine): TypedField[] {
  return typedFields.filter(({ columns }) => columns[engine] !== undefined);
}

/** Each value is one that no edit has made before, as far as the type has so many. */
export function typedContent(engine: Engine): Content {
  const known = new Map(fieldsOf(engine).map((field) => [field.name, field]));
  let number = 0;
  return {
    fields: [...known.keys()],
    isUnique: (field) => known.get(field)?.isUnique !== false,
    value: (field) => known.get(field)?.value((number += 1)) ?? '',
  };
}

function both(type: string): Record<Engine, string> {
  return { POSTGRESQL: type, MARIADB: type };
}

function clock(number: number): string {
  return [3_600, 60, 1].map((unit) => two(Math.floor(number / unit) % (unit === 3_600 ? 24 : 60))).join(':');
}
