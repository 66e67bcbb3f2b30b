import { ArrayType } from '@mikro-orm/postgresql';

/**
 * The type of a column text[]. MikroORM's own type writes the text "null" as NULL, and reads JSON escapes such as \n as
 * the letter n.
 */
export class TextArray extends ArrayType<string> {
  override convertToDatabaseValue(value: string[] | null): string | null {
    return value && arrayLiteral(value);
  }
}

/** PostgreSQL's text form of text[]. */
export function arrayLiteral(items: readonly string[]): string {
  return `{${items.map((item) => `"${item.replace(/["\\]/g, '\\$&')}"`).join(',')}}`;
}
