import { QuoteType, Tokenizer } from 'htmlparser2';

/** The URL of an anchor or area, and where its value is in the text. */
export interface HtmlLink {
  /** With its character references decoded. */
  url: string;
  /** Of the value, without quotes. */
  start: number;
  end: number;
}

/** Where links are in a text, and where others can be added. */
export interface HtmlLinks {
  /** In order of the text. */
  links: HtmlLink[];
  /** After the start tag of the body, or the start of a text without one. */
  bodyStart: number;
  /** Before the end tag of the body, or the end of a text without one. */
  bodyEnd: number;
}

/** Elements whose `href` a reader follows. */
const linkElements: ReadonlySet<string> = new Set(['a', 'area']);

/**
 * Finds the links of an HTML text. Its tokens are those that a browser reads: what looks like a link in a comment, a script or a style is
 * none, and stays as it is.
 */
export function findHtmlLinks(html: string): HtmlLinks {
  const found: HtmlLinks = { links: [], bodyStart: 0, bodyEnd: html.length };
  let [element, attribute, nameEnd, url] = ['', '', 0, ''];
  const named = (from: number, to: number) => html.slice(from, to).toLowerCase();
  const tokenizer = new Tokenizer(
    { decodeEntities: true },
    {
      onopentagname: (from, to) => (element = named(from, to)),
      onattribname: (from, to) => ([attribute, nameEnd, url] = [named(from, to), to, '']),
      onattribdata: (from, to) => (url += html.slice(from, to)),
      onattribentity: (codepoint) => (url += String.fromCodePoint(codepoint)),
      onattribend: (quote, to) => {
        if (quote === QuoteType.NoValue || attribute !== 'href' || !linkElements.has(element)) return;
        const end = quote === QuoteType.Unquoted ? to : to - 1;
        found.links.push({ url: url.trim(), start: startOfValue(html, nameEnd), end });
      },
      onopentagend: (at) => {
        if (element === 'body') found.bodyStart = at + 1;
      },
      onclosetag: (from, to) => {
        if (named(from, to) === 'body') found.bodyEnd = html.lastIndexOf('<', from);
      },
      ...{ oncdata: ignore, oncomment: ignore, ondeclaration: ignore, onend: ignore, onprocessinginstruction: ignore },
      ...{ onselfclosingtag: ignore, ontext: ignore, ontextentity: ignore },
    },
  );
  tokenizer.write(html);
  tokenizer.end();
  return found;
}

/** The value begins after the name, an equals sign and a quote, if there is one. */
function startOfValue(html: string, nameEnd: number): number {
  beforeValue.lastIndex = nameEnd;
  beforeValue.test(html);
  return beforeValue.lastIndex;
}

const beforeValue = /\s*=\s*["']?/y;

function ignore(): void {
  // Only start tags have links.
}
