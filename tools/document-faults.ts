import { dirname, join } from 'node:path/posix';

/** Lines that README may have: it is a page, and all else has a document of its own. */
const maximumReadmeLines = 90;
/** Words that the glossary may have: what is of the trade needs none. */
const maximumWords = 25;
/** A file or folder of the repository in backticks. Patterns such as `apps/<area>/test/` and what is built are none. */
const namedPath = /`((?:\.ci|apps|docs|k8s|libs|load-tests|proto|tools)\/[\w./-]+)`/g;
const codeBlock = /^ *```[^]+?^ *```$/gm;

/**
 * What is wrong in the documents of the repository: links and paths that lead nowhere, a README that is too long or promises
 * something without its test, a page that the index of docs does not list, and a glossary with too many words or one that stands
 * twice.
 *
 * @param documents texts by their paths
 * @param exists whether there is a file or folder of a path
 */
export function documentFaults(documents: ReadonlyMap<string, string>, exists: (path: string) => boolean): string[] {
  const readme = documents.get('README.md');
  const glossary = documents.get('docs/glossary.md');
  const index = documents.get('docs/README.md');
  return [
    ...[...documents].flatMap(([document, text]) => linkFaults(document, text, documents, exists)),
    ...(readme === undefined ? [] : readmeFaults(readme)),
    ...(glossary === undefined ? [] : glossaryFaults(glossary)),
    ...(index === undefined ? [] : indexFaults(index, [...documents.keys()])),
  ];
}

function linkFaults(
  document: string,
  text: string,
  documents: ReadonlyMap<string, string>,
  exists: (path: string) => boolean,
): string[] {
  const prose = text.replace(codeBlock, '');
  const links = [...prose.replace(/`[^`\n]*`/g, '').matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
  const dead = links.filter((link) => {
    if (/^[a-z]+:/.test(link)) return false;
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? document : join(dirname(document), path);
    if (!exists(target)) return true;
    return anchor !== undefined && !headingAnchors(documents.get(target) ?? '').has(anchor);
  });
  // Changes are about the files of their time.
  const paths = document === 'CHANGELOG.md' ? [] : [...prose.matchAll(namedPath)].map(([, path = '']) => path);
  const missing = paths.filter((path) => !/\/dist\/|\/src\/gen\b|NNNN/.test(path) && !exists(path));
  return [...dead, ...missing].map((target) => `${document}: there is no ${target}`);
}

/** The anchors that GitHub gives to the headings of a document. */
function headingAnchors(text: string): Set<string> {
  const counts = new Map<string, number>();
  const headings = [...text.replace(codeBlock, '').matchAll(/^#+ (.+)$/gm)];
  return new Set(
    headings.map(([, heading = '']) => {
      const words = heading.toLowerCase().replace(/\]\([^)]*\)/g, '');
      const anchor = words.replace(/[^\p{L}\p{N} _-]/gu, '').replace(/ /g, '-');
      const count = counts.get(anchor) ?? 0;
      counts.set(anchor, count + 1);
      return count === 0 ? anchor : `${anchor}-${count}`;
    }),
  );
}

function readmeFaults(text: string): string[] {
  const lines = text.trimEnd().split('\n').length;
  const [, promises = ''] = /^## Promises.*\n([^]*?)^## /m.exec(text) ?? [];
  const unproven = promises
    .split(/^- /m)
    .filter((item) => item.trim() !== '' && !/\]\(\S+\.(?:test|spec)\.ts\)/.test(item));
  return [
    ...(lines > maximumReadmeLines ? [`README.md: ${lines} lines are more than ${maximumReadmeLines}`] : []),
    ...(promises === '' ? ['README.md: it has no section "Promises"'] : []),
    ...unproven.map((item) => `README.md: no test proves "${item.split('\n')[0]}"`),
  ];
}

function indexFaults(index: string, documents: readonly string[]): string[] {
  const pages = documents.flatMap((path) => /^docs\/((?!README)[\w-]+\.md)$/.exec(path)?.[1] ?? []);
  return pages.filter((page) => !index.includes(`](${page}`)).map((page) => `docs/README.md: it does not list ${page}`);
}

function glossaryFaults(text: string): string[] {
  const words = [...text.matchAll(/^\|([^|]*)\|/gm)].slice(2).map(([, word = '']) => word.trim());
  return [
    ...(words.length > maximumWords ? [`docs/glossary.md: ${words.length} words are more than ${maximumWords}`] : []),
    ...words
      .filter((word, index) => words.indexOf(word) !== index)
      .map((word) => `docs/glossary.md: "${word}" stands twice`),
  ];
}
