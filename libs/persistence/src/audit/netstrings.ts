/**
 * Joins values into one text in which each value has its length, so that different lists of values give different
 * texts: `<bytes>:<value>,` for each, and `:,` for an absent one (https://cr.yp.to/proto/netstrings.txt). Hashes and
 * signatures are over this text in UTF-8.
 */
export function netstrings(values: readonly (string | number | null | undefined)[]): string {
  return values
    .map((value) => (value === null || value === undefined ? ':,' : `${Buffer.byteLength(String(value))}:${value},`))
    .join('');
}
