import { contractErrorCodes, statusOfError, type Contract } from '@rapport/contracts';
import { violationCodes } from '@rapport/platform';
import { Marked, type Tokens } from 'marked';

/** A page is a Markdown file of this folder. What is ahead of its text places it in the navigation. */
interface Page {
  path: string;
  title: string;
  group: string;
  place: number;
  markdown: string;
}

const files = import.meta.glob<string>('./*.md', { query: '?raw', import: 'default', eager: true });

/** In the order in which an integration needs them. */
const pages = Object.entries(files)
  .map(([file, text]) => pageOf(file, text))
  .toSorted((one, other) => one.place - other.place);

/** The paths of the pages. */
export const guidePaths: readonly string[] = pages.map(({ path }) => path);

function pageOf(file: string, text: string): Page {
  const [, head = '', markdown = ''] = /^---\n([^]*?)\n---\n([^]*)$/.exec(text) ?? [];
  const fields = new Map(head.split('\n').map((line) => line.split(': ') as [string, string]));
  const [group, heading] = [fields.get('group'), /^# (.+)$/m.exec(markdown)?.[1]];
  if (group === undefined || heading === undefined) throw new Error(`${file} has no group, or no heading.`);
  const name = file.slice('./'.length, -'.md'.length);
  const path = fields.get('path') ?? `/docs/${name}`;
  return { path, title: fields.get('title') ?? heading, group, place: Number(fields.get('place')), markdown };
}

/** The HTML of a page of the guide. */
export function guidePage(path: string, contract: Contract): string {
  const index = pages.findIndex((page) => page.path === path);
  const { title = '', markdown = '' } = pages[index] ?? {};
  const text = markdown
    .replace('{{ERROR_CODES}}', () => errorTable(contract))
    .replace('{{VIOLATION_CODES}}', violationTable)
    .replace('{{LIMIT_CODES}}', () => limitTable(contract));
  const next = pages[index + 1];
  const link = next ? `<a class="next" href="${next.path}"><span>Next</span> ${next.title}</a>` : '';
  return layout(path, title, `${marked.parse(text, { async: false })}${link}`);
}

/** A page with the bar and the navigation of the documents. `content` is HTML. */
export function layout(path: string, title: string, content: string, head = ''): string {
  const isGuide = guidePaths.includes(path);
  const links = [...Map.groupBy(pages, ({ group }) => group)].map(([name, own]) => {
    const items = own.map((page) => `<li>${navigationLink(page.path, page.title, path)}</li>`).join('');
    return `<h2>${name}</h2><ul>${items}</ul>`;
  });
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <title>${title} · Rapport API</title>
    ${head}<link rel="stylesheet" href="/docs/guide.css" />
    <link rel="icon" href="data:," />
  </head>
  <body>
    <a class="skip" href="#content">Skip to content</a>
    <header>
      <a class="home" href="/docs">${logo}<strong>Rapport</strong> <span>API</span></a>
      <nav aria-label="Documents">
        ${navigationLink('/docs', 'Guide', isGuide ? '/docs' : path)}
        ${navigationLink('/docs/reference', 'Reference', path)}
        <a href="/openapi.json">OpenAPI</a>
      </nav>
    </header>
    ${isGuide ? `<nav class="pages" aria-label="Guide">${links.join('')}</nav>` : ''}
    <main id="content"${isGuide ? ' class="text"' : ''}>${content}</main>
  </body>
</html>
`;
}

/** The logo: two parties and a colon. */
const logo =
  '<svg viewBox="0 0 22 22" aria-hidden="true"><rect class="tile" width="22" height="22" rx="5.5"/>' +
  '<circle cx="11" cy="6.9" r="2.9"/><rect x="8.1" y="12.2" width="5.8" height="5.8" rx="1.5"/></svg>';

function navigationLink(target: string, title: string, path: string): string {
  return `<a href="${target}"${target === path ? ' aria-current="page"' : ''}>${title}</a>`;
}

function errorTable(contract: Contract): string {
  const rows = [...contractErrorCodes(contract)]
    .map(([code, meaning]) => ({ code, status: statusOfError(code, meaning), text: meaning[1] }))
    .toSorted((one, other) => one.status - other.status || (one.code < other.code ? -1 : 1))
    .map(({ code, status, text }) => `| ${status} | \`${code}\` | ${text} |`);
  return ['| Status | Code | Meaning |', '| --- | --- | --- |', ...rows].join('\n');
}

/** Codes that refuse what is too many or too large, whose meanings have the numbers. */
function limitTable(contract: Contract): string {
  const rows = [...contractErrorCodes(contract)]
    .filter(
      ([code, [, meaning]]) => /(?:^|_)(?:LIMIT|QUOTA|TOO_MANY|TOO_LARGE)(?:_|$)/.test(code) && /\d/.test(meaning),
    )
    .map(([code, [, meaning]]) => `| \`${code}\` | ${meaning} |`)
    .toSorted();
  return ['| Code | Limit |', '| --- | --- |', ...rows].join('\n');
}

function violationTable(): string {
  const rows = Object.entries(violationCodes).map(([code, meaning]) => `| \`${code}\` | ${meaning} |`);
  return ['| Code | Meaning |', '| --- | --- |', ...rows].join('\n');
}

const marked = new Marked({
  renderer: {
    heading({ tokens, depth, text }: Tokens.Heading): string {
      const id = text.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
      const content = this.parser.parseInline(tokens);
      if (depth === 1) return `<h1>${content}</h1>`;
      return `<h${depth} id="${id}"><a href="#${id}">${content}</a></h${depth}>`;
    },
    // A wide block scrolls by itself, also by the keyboard.
    code({ text, lang = '' }: Tokens.Code): string {
      return `<pre tabindex="0"><code class="${lang}">${escapeHtml(text)}</code></pre>`;
    },
    table({ header, rows }: Tokens.Table): string {
      const row = (cells: Tokens.TableCell[], tag: string) =>
        `<tr>${cells.map(({ tokens }) => `<${tag}>${this.parser.parseInline(tokens)}</${tag}>`).join('')}</tr>`;
      const body = rows.map((cells) => row(cells, 'td')).join('');
      return `<div class="table" tabindex="0"><table><thead>${row(header, 'th')}</thead><tbody>${body}</tbody></table></div>`;
    },
  },
});

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
