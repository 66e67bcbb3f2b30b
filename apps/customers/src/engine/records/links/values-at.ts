/** An id in a record. */
export interface FoundId {
  /** Such as `lineItems[0].productId`. */
  field: string;
  id: string;
}

/** The ids in a field of a message, or in that field of the messages in its lists. @param path JSON names */
export function valuesAt(message: object, [name = '', ...inner]: readonly string[], place = ''): FoundId[] {
  const value = (message as Record<string, unknown>)[name];
  const field = `${place}${name}`;
  const items = Array.isArray(value)
    ? value.map((item: unknown, index) => ({ at: `${field}[${index}]`, item }))
    : [{ at: field, item: value }];
  return items.flatMap(({ at, item }) => {
    if (typeof item === 'object' && item !== null) return valuesAt(item, inner, `${at}.`);
    return typeof item === 'string' && item !== '' ? [{ field: at, id: item }] : [];
  });
}
