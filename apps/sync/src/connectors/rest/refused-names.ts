import { isExactObject, valueAt, type ExactValue } from './exact-json.js';

/** Maximum size of the parsed part of an answer. */
const maxParts = 2_000;

/**
 * The fields that an answer of 400, 409 or 422 names. Services follow no common standard, so each of these counts: the
 * name of a field as a key of the answer (`{"errors": {"email": …}}`), as a whole value (`"field": "email"`, a path or
 * a JSON Pointer that ends with it, a list of its parts), or in quotation marks within a text.
 *
 * @param sent names of the fields that were sent: the answer can only name these
 */
export function refusedNames(body: ExactValue | undefined, sent: readonly string[]): string[] {
  const refused = new Set<string>();
  let parts = 0;
  const look = (value: ExactValue | undefined): void => {
    if ((parts += 1) > maxParts) return;
    if (typeof value === 'string') for (const name of sent.filter((each) => names(value, each))) refused.add(name);
    if (Array.isArray(value)) {
      const path = value.every((part) => typeof part === 'string') ? value.join('.') : '';
      for (const name of sent.filter((each) => path !== '' && isPathOf(path, each))) refused.add(name);
      value.forEach(look);
    }
    if (!isExactObject(value)) return;
    for (const name of sent.filter((each) => valueAt(value, each) !== undefined)) refused.add(name);
    Object.values(value).forEach(look);
  };
  look(body);
  return sent.filter((name) => refused.has(name));
}

function names(text: string, field: string): boolean {
  const path = text.replace(/^[#$]?[/.]/, '').replaceAll('/', '.');
  return isPathOf(path, field) || ['"', "'", '`'].some((mark) => text.includes(`${mark}${field}${mark}`));
}

/** The wrapper of the record comes before it. */
function isPathOf(path: string, field: string): boolean {
  return path === field || path.endsWith(`.${field}`);
}
