import { foreignCursor } from '../connector-error.js';
import type { JsonObject } from '../peer-record.js';

/** Encodes a cursor, which is opaque to callers. @param form name and version of its content, such as `table-1` */
export function writeCursor(form: string, content: JsonObject): string {
  return `${form}.${Buffer.from(JSON.stringify(content)).toString('base64url')}`;
}

/**
 * The content of a cursor of `form`.
 *
 * @throws ConnectorError CURSOR_EXPIRED for another form, or content that `isContent` refuses
 */
export function readCursor<Content>(
  form: string,
  cursor: string,
  isContent: (content: Record<string, unknown>) => boolean,
): Content {
  const [ownForm, encoded = ''] = cursor.split('.', 2);
  if (ownForm !== form) throw foreignCursor();
  const content = parseObject(Buffer.from(encoded, 'base64url').toString());
  if (!content || !isContent(content)) throw foreignCursor();
  return content as Content;
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
