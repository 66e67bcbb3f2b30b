// Writes the icons of Lucide as data, `nx run console:generate`: src/gen/icons.ts. The build takes over those that are imported.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { icons } from '@iconify-json/lucide';

// The others are drawn anew under another name.
const current = Object.entries(icons.icons).filter(([, { hidden = false }]) => !hidden);
const lines = current.map(
  ([name, { body }]) => `export const ${pascal(name)}: IconType = ${JSON.stringify(shapesOf(body))};`,
);
const type =
  'export type IconType = readonly (readonly [tag: string, attributes: Readonly<Record<string, string>>])[];';

const folder = join(import.meta.dirname, '../src/gen');
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'icons.ts'), [type, ...lines, ''].join('\n'));

/** `ListFilter` of `list-filter`. */
function pascal(name: string): string {
  return name.replaceAll(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** Without what all shapes have in common, which the `svg` around them has. */
function shapesOf(body: string): [tag: string, attributes: Record<string, string>][] {
  const own = body.replaceAll(/ (?:fill="none"|stroke(?:-\w+)?="\w+")/g, '');
  return [...own.matchAll(/<(\w+)( [^>]+)\/>/g)].map(([, tag = '', text = '']) => {
    const attributes = text.matchAll(/ ([\w-]+)="([^"]*)"/g);
    return [tag, Object.fromEntries([...attributes].map(([, name = '', value = '']) => [name, value]))];
  });
}
