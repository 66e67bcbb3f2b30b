import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const documents = execFileSync('git', ['ls-files', '--', '*.md'], { cwd: root, encoding: 'utf8' })
  .trim()
  .split('\n')
  .filter((path) => existsSync(join(root, path)));

test('every link between documents leads to a file and to a heading in it', () => {
  const links = documents.flatMap((from) =>
    [...read(from).matchAll(/\]\((?!\w+:)([^)\s#]*)(?:#([^)\s]*))?\)/g)].map(([link, path = '', heading]) => ({
      from,
      link,
      target: path === '' ? from : join(dirname(from), path),
      heading,
    })),
  );
  const broken = links.filter(
    ({ target, heading }) =>
      !existsSync(join(root, target)) || (heading !== undefined && !headings(target).includes(heading)),
  );
  expect(links.length).toBeGreaterThan(50);
  expect(broken.map(({ from, link }) => `${from}: ${link}`)).toEqual([]);
});

test('docs/architecture.md has at most 300 lines, and no table cell over 120 characters', () => {
  const lines = read('docs/architecture.md').split('\n');
  const cells = lines.filter((line) => line.startsWith('|')).flatMap((line) => line.split('|'));
  expect(lines.length).toBeLessThanOrEqual(300);
  expect(cells.filter((cell) => cell.trim().length > 120)).toEqual([]);
});

/** The anchors of a document: of its headings, as the sites that show Markdown make them. */
function headings(path: string): string[] {
  return [...read(path).matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}
