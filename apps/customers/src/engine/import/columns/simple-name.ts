/** A column or field name in the form in which names are compared: lower case, without spaces and punctuation. */
export function simpleName(name: string): string {
  return name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '');
}
