export type Json = Record<string, unknown>;

/** The text at a path of a record, such as `amount.currencyCode`; empty for what is no text or number. */
export function textAt(record: Json | undefined, path: string): string {
  const value = valueAt(record, path);
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}

/** The value at a path; undefined where a part of it is absent. */
export function valueAt(record: Json | undefined, path: string): unknown {
  return path.split('.').reduce<unknown>((value, step) => (isJson(value) ? value[step] : undefined), record);
}

/** The objects of a list; none for another value. */
export function itemsAt(record: Json | undefined, path: string): Json[] {
  const value = valueAt(record, path);
  return Array.isArray(value) ? value.filter(isJson) : [];
}

/** Nothing, an empty text and an empty list are no values. */
export function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0);
}

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether two values of JSON are the same, with nothing the same as null and as an empty list. */
export function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));
}

function sorted(value: unknown): unknown {
  if (isEmpty(value)) return null;
  if (Array.isArray(value)) return value.map(sorted);
  if (!isJson(value)) return value;
  const entries = Object.entries(value).filter(([, each]) => sorted(each) !== null);
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, each]) => [key, sorted(each)]));
}
