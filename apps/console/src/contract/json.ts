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

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
