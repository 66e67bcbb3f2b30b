import { html, maxHtmlDepth } from '@rapport/platform';
import { MailParser } from 'mailparser';
import { Parser, Tokenizer } from 'htmlparser2';

/** The tags around which lines break. */
const breaking =
  /^(?:address|article|blockquote|br|center|dd|div|dl|dt|h[1-6]|hr|li|ol|p|pre|section|table|td|th|tr|ul)$/i;

/** Tags whose text is not shown. */
const hidden = /^(?:script|style|title)$/i;

/**
 * Most elements and lines, each counted with the elements around it: making text takes time for each of both. A newsletter of
 * 10,000 elements has some 200,000.
 */
const maxNested = 2_000_000;

/** Ends as soon as an element is too deep: until then, the time for each is bounded. */
export function isTooDeep(markup: string): boolean {
  let [depth, nested] = [0, 0];
  const isOver = () => depth > maxHtmlDepth || nested > maxNested;
  const parser = new Parser({
    onopentag: () => {
      depth += 1;
      nested += depth;
      if (isOver()) parser.pause();
    },
    onclosetag: () => {
      depth -= 1;
    },
    ontext: (text) => {
      nested += depth * (text.split('\n').length - 1);
      if (isOver()) parser.pause();
    },
  });
  parser.write(markup);
  return isOver();
}

/** HTML with the text of other HTML, and without its elements: in linear time, however deep they are. */
export function flatHtml(markup: string): string {
  let text = '';
  let isHidden = false;
  const tag = (start: number, end: number, opens: boolean) => {
    const name = markup.slice(start, end);
    isHidden = opens && hidden.test(name);
    if (breaking.test(name)) text += '\n';
  };
  const ignore = () => undefined;
  const tokenizer = new Tokenizer(
    { decodeEntities: true },
    {
      ...{ onattribdata: ignore, onattribend: ignore, onattribentity: ignore, onattribname: ignore, oncdata: ignore },
      ...{ oncomment: ignore, ondeclaration: ignore, onend: ignore, onopentagend: ignore },
      ...{ onprocessinginstruction: ignore, onselfclosingtag: ignore },
      onopentagname: (start, end) => tag(start, end, true),
      onclosetag: (start, end) => tag(start, end, false),
      ontext: (start, end) => {
        if (!isHidden) text += markup.slice(start, end);
      },
      ontextentity: (codepoint) => {
        if (!isHidden) text += String.fromCodePoint(codepoint);
      },
    },
  );
  tokenizer.write(markup);
  tokenizer.end();
  const lines = text.split('\n').map((line) => line.trim());
  return html`${lines.filter((line) => line !== '').join('\n')}`.text.replaceAll('\n', '<br>');
}

/** A part of a mail, as mailparser keeps it until it makes a text and HTML of all. */
interface MailNode {
  contentType?: string;
  textContent?: string;
  children?: MailNode[];
}

interface MailParserInside {
  tree: MailNode;
  getTextContent: (this: MailParserInside) => unknown;
}

/**
 * Makes mailparser replace HTML with too many elements within each other before it converts it to text: its own check does not
 * count elements that others may end, and its parser takes time that grows with the depth for each of them. Called once.
 */
export function flattenDeepParts(): void {
  const inside = MailParser.prototype as unknown as MailParserInside;
  const { getTextContent } = inside;
  inside.getTextContent = function (this: MailParserInside) {
    flattenIn(this.tree);
    return getTextContent.call(this);
  };
}

function flattenIn(node: MailNode): void {
  if (node.contentType === 'text/html' && node.textContent && isTooDeep(node.textContent)) {
    node.textContent = flatHtml(node.textContent);
  }
  for (const child of node.children ?? []) flattenIn(child);
}
