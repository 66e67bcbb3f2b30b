/** A text as PostgreSQL and JSON take it: what is no character becomes U+FFFD. */
export function storable(text: string): string {
  return text.replaceAll('\0', '\ufffd').toWellFormed();
}
