/** What expressions can read: names, with the names within each. */
export interface Names {
  readonly [name: string]: Names;
}

/** What can be inserted at a place of an expression. */
export interface Completions {
  /** Index of the part that a completion replaces, up to the caret. */
  from: number;
  /** The part as it is written. */
  written: string;
  names: readonly string[];
}

/** Functions of CEL that have no member before them. */
const functions = ['has(', 'size(', 'string(', 'double(', 'int(', 'timestamp(', 'duration('];

const mostShown = 9;

/** The completions of the name that ends at the caret; undefined where none is written. */
export function completionsAt(known: Names, expression: string, caret: number): Completions | undefined {
  const before = expression.slice(0, caret);
  let start = caret;
  while (/[\w.]/.test(before[start - 1] ?? '')) start -= 1;
  const path = before.slice(start);
  // Numbers, and members of a value without a name, such as an item of a list, have no known names.
  if (!/^[A-Za-z_]/.test(path) || isInText(before)) return undefined;
  const steps = path.split('.');
  const written = steps.pop() ?? '';
  const level = steps.reduce<Names | undefined>((names, step) => names?.[step], known);
  if (!level) return undefined;
  const all = [...Object.keys(level), ...(steps.length === 0 ? functions : [])];
  const names = all
    .filter((name) => name !== written && name.toLowerCase().startsWith(written.toLowerCase()))
    .slice(0, mostShown);
  return names.length > 0 ? { from: caret - written.length, written, names } : undefined;
}

/** Whether a text in quotes is open at the end of a part of an expression. */
function isInText(part: string): boolean {
  let quote = '';
  for (let index = 0; index < part.length; index += 1) {
    const character = part[index] ?? '';
    if (quote === '') quote = character === '"' || character === "'" ? character : '';
    else if (character === '\\') index += 1;
    else if (character === quote) quote = '';
  }
  return quote !== '';
}
