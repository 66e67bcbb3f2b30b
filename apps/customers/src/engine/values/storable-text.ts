/** A text that PostgreSQL and JSON accept: invalid characters become U+FFFD. */
export function storable(text: string): string {
  return text.replaceAll('\0', '\ufffd').toWellFormed();
}
