/** A name of a column or a field in lower case, without spaces and punctuation: how names are compared. */
export function simpleName(name: string): string {
  return name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '');
}
