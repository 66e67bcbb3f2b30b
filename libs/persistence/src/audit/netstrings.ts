/**
 * Joins values into one text that says where each ends, so that no two lists of values give the same text: `<bytes>:<value>,`
 * for each, and `:,` for one that is absent. (https://cr.yp.to/proto/netstrings.txt) What is hashed and signed is this text
 * in UTF-8.
 */
export function netstrings(values: readonly (string | number | null | undefined)[]): string {
  return values
    .map((value) => (value === null || value === undefined ? ':,' : `${Buffer.byteLength(String(value))}:${value},`))
    .join('');
}
