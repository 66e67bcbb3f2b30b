/** What a value is in the database, as SQL, and what it has to be in a custom field. */
export type Cell = [sql: string, value: unknown];

/** The types of custom fields. */
export const customTypes = [
  ...['TEXT', 'NUMBER', 'DECIMAL', 'MONEY', 'DATE', 'TIME', 'BOOLEAN', 'SELECT', 'MULTI_SELECT', 'URL', 'REFERENCE'],
] as const;

export interface ColumnType {
  /** As it is declared. */
  type: string;
  /** By the types of custom fields that it can be exchanged with. With all others a mapping is refused. */
  cells: Partial<Record<string, Cell>>;
}

const id = '01a2149b-8ca2-702f-8877-17f8232e107d';

const freeText: ColumnType['cells'] = {
  TEXT: [`'O''Brien | ; -- 😀'`, `O'Brien | ; -- 😀`],
  NUMBER: [`'2.5'`, 2.5],
  DECIMAL: [`'2.50'`, '2.50'],
  DATE: [`'2024-02-29'`, '2024-02-29'],
  TIME: [`'2026-10-25T00:30:00.000Z'`, '2026-10-25T00:30:00.000Z'],
  BOOLEAN: [`'true'`, true],
  SELECT: [`'gold'`, 'gold'],
  URL: [`'https://x.example/a?b=1'`, 'https://x.example/a?b=1'],
  REFERENCE: [`'${id}'`, id],
};
/** Too short for the values of some types, which is a matter of each value. */
const shortText: ColumnType['cells'] = {
  ...freeText,
  ...{ TEXT: [`'ä😀'`, 'ä😀'], TIME: [`'x'`, 'x'], URL: [`'x'`, 'x'], REFERENCE: [`'x'`, 'x'] },
};

function formatted(text: string): ColumnType['cells'] {
  return { TEXT: [`'${text}'`, text], SELECT: [`'${text}'`, text] };
}

function numbers(sql: string, number: number, decimal: string, text = decimal): ColumnType['cells'] {
  return { NUMBER: [sql, number], DECIMAL: [sql, decimal], TEXT: [sql, text] };
}

const day: ColumnType['cells'] = { DATE: [`'1582-10-15'`, '1582-10-15'], TEXT: [`'9999-12-31'`, '9999-12-31'] };
const yes: ColumnType['cells'] = { BOOLEAN: ['true', true], TEXT: ['false', 'false'] };

/** In Berlin. */
const local: ColumnType['cells'] = {
  TIME: [`'2026-07-01 12:00:00.250'`, '2026-07-01T10:00:00.250Z'],
  TEXT: [`'2026-10-25 02:30:00'`, '2026-10-25T02:30:00'],
};

const json: ColumnType['cells'] = {
  TEXT: [`'"O|Brien 😀"'`, 'O|Brien 😀'],
  NUMBER: [`'2.5'`, 2.5],
  DECIMAL: [`'"2.50"'`, '2.50'],
  MONEY: [`'{"amount": "12.50", "currencyCode": "EUR"}'`, { amount: '12.50', currencyCode: 'EUR' }],
  DATE: [`'"2024-02-29"'`, '2024-02-29'],
  TIME: [`'"2026-10-25T00:30:00.000Z"'`, '2026-10-25T00:30:00.000Z'],
  BOOLEAN: [`'true'`, true],
  SELECT: [`'"gold"'`, 'gold'],
  MULTI_SELECT: [`'["gold", "dark blue"]'`, ['gold', 'dark blue']],
  URL: [`'"https://x.example/"'`, 'https://x.example/'],
  REFERENCE: [`'"${id}"'`, id],
};

/** A text with a check that it is JSON. */
const jsonText: ColumnType['cells'] = {
  ...{
    TEXT: [`'{"a": 1}'`, '{"a": 1}'],
    NUMBER: [`'2.5'`, 2.5],
    DECIMAL: [`'2.50'`, '2.50'],
    BOOLEAN: [`'true'`, true],
  },
  ...{ DATE: [`'1'`, '1'], TIME: [`'1'`, '1'], SELECT: [`'1'`, '1'], URL: [`'1'`, '1'], REFERENCE: [`'1'`, '1'] },
};

/** With a value that is hard to keep for each: the last one of a range, or one that binary fractions do not have. */
export const columnTypes: Record<'POSTGRESQL' | 'MARIADB', ColumnType[]> = {
  POSTGRESQL: [
    { type: 'smallint', cells: numbers('-32768', -32_768, '-32768') },
    { type: 'integer', cells: numbers('2147483647', 2_147_483_647, '2147483647') },
    { type: 'bigint', cells: { ...numbers('9007199254740991', 9_007_199_254_740_991, '9007199254740991') } },
    { type: 'bigint', cells: { ...numbers('0', 0, '0'), DECIMAL: ['999999999999999999', '999999999999999999'] } },
    { type: 'numeric(10,2)', cells: numbers('2.50', 2.5, '2.50') },
    { type: 'numeric(10,2)', cells: numbers('-99999999.99', -99_999_999.99, '-99999999.99') },
    {
      type: 'numeric(27,9)',
      cells: {
        ...numbers('1.1', 1.1, '1.100000000'),
        DECIMAL: ['123456789012345678.123456789', '123456789012345678.123456789'],
      },
    },
    { type: 'numeric(20,12)', cells: numbers('0.5', 0.5, '0.500000000', '0.500000000000') },
    { type: 'numeric', cells: { ...numbers('1.250', 1.25, '1.250'), NUMBER: ['1.25', 1.25] } },
    { type: 'real', cells: numbers('0.1', 0.1, '0.1') },
    { type: 'double precision', cells: numbers('1234.5678', 1234.5678, '1234.5678') },
    { type: 'boolean', cells: yes },
    { type: 'date', cells: day },
    {
      type: 'timestamp with time zone',
      cells: {
        TIME: [`'2026-10-25 02:30:00.123+02'`, '2026-10-25T00:30:00.123Z'],
        TEXT: [`'2026-10-25 02:30:00.123456+01'`, '2026-10-25T01:30:00.123456Z'],
      },
    },
    { type: 'timestamp without time zone', cells: local },
    { type: 'text', cells: freeText },
    { type: 'character varying(60)', cells: freeText },
    { type: 'character varying(10)', cells: shortText },
    { type: 'character(10)', cells: shortText },
    { type: 'uuid', cells: { ...formatted(id), REFERENCE: [`'${id}'`, id] } },
    { type: 'colour', cells: formatted('dark red') },
    { type: 'interval', cells: formatted('1 mon 2 days 03:04:05.6') },
    { type: 'time without time zone', cells: formatted('23:59:59.999999') },
    { type: 'time with time zone', cells: formatted('23:59:59+05:30') },
    { type: 'inet', cells: formatted('10.0.0.1/32') },
    { type: 'cidr', cells: formatted('10.0.0.0/8') },
    { type: 'macaddr', cells: formatted('08:00:2b:01:02:03') },
    { type: 'bit varying(8)', cells: formatted('0101') },
    { type: 'xml', cells: formatted('<a>1</a>') },
    { type: 'json', cells: json },
    { type: 'jsonb', cells: json },
    { type: 'bytea', cells: {} },
    { type: 'text[]', cells: {} },
    { type: 'money', cells: {} },
  ],
  MARIADB: [
    { type: 'tinyint', cells: numbers('-128', -128, '-128') },
    { type: 'tinyint unsigned', cells: numbers('255', 255, '255') },
    { type: 'smallint', cells: numbers('-32768', -32_768, '-32768') },
    { type: 'mediumint', cells: numbers('8388607', 8_388_607, '8388607') },
    { type: 'int', cells: numbers('2147483647', 2_147_483_647, '2147483647') },
    { type: 'int(8) unsigned zerofill', cells: numbers('42', 42, '42') },
    { type: 'bigint', cells: { ...numbers('9007199254740991', 9_007_199_254_740_991, '9007199254740991') } },
    {
      type: 'bigint unsigned',
      cells: {
        NUMBER: ['0', 0],
        DECIMAL: ['999999999999999999', '999999999999999999'],
        TEXT: ['18446744073709551615', '18446744073709551615'],
      },
    },
    { type: 'decimal(10,2)', cells: numbers('2.50', 2.5, '2.50') },
    { type: 'decimal(10,2)', cells: numbers('-99999999.99', -99_999_999.99, '-99999999.99') },
    { type: 'decimal(8,2) zerofill', cells: numbers('2.50', 2.5, '2.50') },
    {
      type: 'decimal(27,9)',
      cells: {
        ...numbers('1.1', 1.1, '1.100000000'),
        DECIMAL: ['123456789012345678.123456789', '123456789012345678.123456789'],
      },
    },
    { type: 'decimal(20,12)', cells: numbers('0.5', 0.5, '0.500000000', '0.500000000000') },
    { type: 'float', cells: numbers('0.1', 0.1, '0.1') },
    { type: 'float', cells: numbers('1234567.9', 1_234_567.9, '1234567.9') },
    { type: 'double', cells: numbers('1234.5678', 1234.5678, '1234.5678') },
    { type: 'year', cells: numbers('2026', 2026, '2026') },
    { type: 'tinyint(1)', cells: yes },
    { type: 'date', cells: day },
    {
      type: 'timestamp(6)',
      cells: {
        TIME: [`'2026-10-25 00:30:00.123'`, '2026-10-25T00:30:00.123Z'],
        TEXT: [`'2026-10-25 01:30:00.123456'`, '2026-10-25T01:30:00.123456Z'],
      },
    },
    { type: 'datetime(6)', cells: { ...local, TEXT: [`'2026-10-25 02:30:00.000001'`, '2026-10-25T02:30:00.000001'] } },
    { type: 'varchar(60)', cells: freeText },
    { type: 'varchar(10)', cells: shortText },
    { type: 'char(10)', cells: shortText },
    { type: 'tinytext', cells: freeText },
    { type: 'text', cells: freeText },
    { type: 'mediumtext', cells: freeText },
    { type: 'longtext', cells: freeText },
    { type: 'json', cells: { ...jsonText } },
    { type: `enum('gold','it''s')`, cells: { TEXT: [`'it''s'`, `it's`], SELECT: [`'gold'`, 'gold'] } },
    { type: `set('a','b')`, cells: formatted('a,b') },
    { type: 'time(6)', cells: formatted('-838:59:59.000000') },
    { type: 'uuid', cells: { ...formatted(id), REFERENCE: [`'${id}'`, id] } },
    { type: 'inet4', cells: formatted('10.0.0.1') },
    { type: 'inet6', cells: formatted('2001:db8::1') },
    { type: 'blob', cells: {} },
    { type: 'binary(4)', cells: {} },
    { type: 'varbinary(4)', cells: {} },
    { type: 'bit(3)', cells: {} },
    { type: 'point', cells: {} },
  ],
};
