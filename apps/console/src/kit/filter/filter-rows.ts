import { quoted } from './filter-language.ts';
import { scan } from './filter-language.ts';

/** How a row compares. `within` and `before` are of days up to today, `starts` and `contains` of texts, `any` and `none` take no value. */
export type RowOperator =
  | '='
  | '!='
  | '<'
  | '<='
  | '>'
  | '>='
  | ':'
  | 'IN'
  | 'within'
  | 'before'
  | 'starts'
  | 'contains'
  | 'any'
  | 'none';

/** One comparison of a filter. */
export interface FilterRow {
  path: string;
  operator: RowOperator;
  /** As a person writes them, without quotes: several for `IN`, days for `within` and `before`. */
  values: readonly string[];
}

/** A filter that rows can show: comparisons that all hold, or of which one does. */
export interface FilterRows {
  join: 'AND' | 'OR';
  rows: readonly FilterRow[];
}

const comparison = /^(NOT\s+)?([A-Za-z_][\w.]*)\s*(!=|<=|>=|[=<>:]|IN\b)([^]*)$/;

/** A filter as rows; undefined for one that needs its text, such as with parentheses. */
export function rowsOf(filter: string): FilterRows | undefined {
  const { tokens } = scan(filter);
  const joins = new Set(tokens.filter(({ kind, text }) => kind === 'join' && text !== 'NOT').map(({ text }) => text));
  const [join = 'AND'] = joins;
  if (joins.size > 1 || (join !== 'AND' && join !== 'OR')) return undefined;
  const parts = partsOf(filter, join);
  const rows = parts.map(rowOf);
  return rows.every((row) => row !== undefined) ? { join, rows } : undefined;
}

/** The text between the joins, which are no part of a value. */
function partsOf(filter: string, join: string): string[] {
  const places = scan(filter).tokens.filter(({ kind, text }) => kind === 'join' && text === join);
  const starts = [0, ...places.map(({ start }) => start + join.length)];
  return starts
    .map((start, index) => filter.slice(start, places[index]?.start ?? filter.length).trim())
    .filter((part) => part !== '');
}

function rowOf(part: string): FilterRow | undefined {
  const [, not, path = '', operator = '', value = ''] = comparison.exec(part) ?? [];
  const rest = value.trimStart();
  if (path === '') return undefined;
  if (rest === '*' && operator === ':') return { path, operator: not ? 'none' : 'any', values: [] };
  if (not) return undefined;
  if (operator !== 'IN') return plainRow(path, operator, rest);
  const values = valuesOf(/^\((.*)\)$/s.exec(rest)?.[1] ?? '', true);
  return values && { path, operator: 'IN', values };
}

/** A row with one value, which can be days before today, or a pattern. */
function plainRow(path: string, operator: string, rest: string): FilterRow | undefined {
  const values = valuesOf(rest, false);
  if (!values) return undefined;
  const days = /^(?:today|now)-(\d+)d$/.exec(rest)?.[1];
  const ofDays = { '>=': 'within', '<': 'before' }[operator] as RowOperator | undefined;
  if (days !== undefined && ofDays) return { path, operator: ofDays, values: [days] };
  const [, head, text = '', tail] = /^"?(\*?)([^*"\\]+)(\*?)"?$/.exec(rest) ?? [];
  if (!head && !tail) return { path, operator: operator as RowOperator, values };
  if (!tail || !['=', ':'].includes(operator)) return undefined;
  return { path, operator: head ? 'contains' : 'starts', values: [text] };
}

/** Values without their quotes; undefined where something else stands between them. */
function valuesOf(list: string, isList: boolean): string[] | undefined {
  const one = /"(?:\\.|[^"\\])*"|[^\s,"'()]+/g;
  const found = list.match(one) ?? [];
  const rest = list.replaceAll(one, '').replaceAll(/\s/g, '');
  const isWhole = isList ? rest === ','.repeat(Math.max(0, found.length - 1)) : rest === '' && found.length === 1;
  if (!isWhole) return undefined;
  return found.map((value) => (value.startsWith('"') ? value.slice(1, -1).replaceAll(/\\(.)/g, '$1') : value));
}

/** Rows as a filter. A row without a value is left out: it is being written. */
export function filterOf({ join, rows }: FilterRows): string {
  return rows
    .map(partOf)
    .filter((part) => part !== '')
    .join(` ${join} `);
}

function partOf({ path, operator, values }: FilterRow): string {
  const [value = ''] = values;
  if (operator === 'any') return `${path}:*`;
  if (operator === 'none') return `NOT ${path}:*`;
  if (value.trim() === '') return '';
  const plain = quoted(value).replace(/^"(.*)"$/, '$1');
  switch (operator) {
    case 'within':
      return `${path} >= today-${value}d`;
    case 'before':
      return `${path} < today-${value}d`;
    case 'starts':
      return `${path} = "${plain}*"`;
    case 'contains':
      return `${path} = "*${plain}*"`;
    case 'IN':
      return `${path} IN (${values.map(quoted).join(', ')})`;
    case ':':
      return `${path}:${quoted(value)}`;
    default:
      return `${path} ${operator} ${quoted(value)}`;
  }
}

/** What a field can be compared with, the usual one first. */
export function rowOperators({
  type,
  operators,
  patterns = [],
}: {
  type: string;
  operators: readonly string[];
  patterns?: readonly string[];
}): RowOperator[] {
  const plain = (['=', '!=', 'IN', '>=', '<=', '>', '<'] as const).filter((each) => operators.includes(each));
  const ends: RowOperator[] = type === 'related' ? [] : ['any', 'none'];
  if (type === 'time') return ['within', 'before', '>=', '<', ...ends];
  const texts: RowOperator[] = [
    ...(patterns.includes('*abc*') ? (['contains'] as const) : []),
    ...(patterns.includes('abc*') ? (['starts'] as const) : []),
  ];
  return type === 'name' || type === 'term' || type === 'key'
    ? [...plain.filter((each) => ['=', '!=', 'IN'].includes(each)), ...texts, ...ends]
    : [...plain, ...ends];
}
