/** What a mail is made of here. Other tags go, and what is within them stays: a mail that opens one and never closes it loses no words. */
const allowed = new Set(
  (
    'a abbr address article aside b bdi bdo big blockquote br caption center cite code col colgroup dd del dfn div dl dt em figcaption ' +
    'figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li main mark ol p pre q s samp section small span strike strong sub ' +
    'sup table tbody td tfoot th thead time tr tt u ul'
  ).split(' '),
);
/** Tags whose content is no text of the mail. */
const dropped = new Set('script style head title template noscript iframe frame embed svg math'.split(' '));
const attributes = new Set(
  'align alt bgcolor border cellpadding cellspacing color colspan dir face height lang rowspan size start title type valign width'.split(
    ' ',
  ),
);

/** Most elements that are shown: a page of a hundred thousand cells would stop the tab. */
const mostElements = 20_000;

export interface MailContent {
  /** Pictures within the mail by their content id, as `data:` addresses. */
  pictures: ReadonlyMap<string, string>;
}

export interface MailShown {
  /** Addresses of pictures that stand elsewhere, which are not asked for. */
  remote: string[];
  /** Whether the end is missing. */
  isCut: boolean;
}

/**
 * Builds the elements of a mail anew in the document of a frame, from a parsed document in which nothing runs and nothing is loaded.
 * Only listed elements and attributes are made, so that nothing depends on what is missing in a list of dangers.
 *
 * @param parsed what `DOMParser` made of the HTML of the mail, with `data-style` in place of `style`
 */
export function buildMail(target: Document, parsed: Document, { pictures }: MailContent): MailShown {
  const shown: MailShown = { remote: [], isCut: false };
  let count = 0;
  const copy = (from: Node, to: Element): void => {
    for (const node of from.childNodes) {
      if (node.nodeType === Node.TEXT_NODE) to.append(target.createTextNode(node.nodeValue ?? ''));
      if (node.nodeType !== Node.ELEMENT_NODE) continue;
      const element = node as Element;
      const name = element.localName;
      if (dropped.has(name)) continue;
      count += 1;
      if (count > mostElements) {
        shown.isCut = true;
        return;
      }
      const made = allowed.has(name) ? elementOf(target, element, pictures, shown) : undefined;
      if (made) to.append(made);
      copy(element, made ?? to);
    }
  };
  copy(parsed.body, target.body);
  return shown;
}

function elementOf(
  target: Document,
  from: Element,
  pictures: MailContent['pictures'],
  shown: MailShown,
): Element | undefined {
  const isPicture = from.localName === 'img';
  const source = isPicture ? pictureOf(from.getAttribute('src') ?? '', pictures) : undefined;
  if (isPicture && source === undefined) {
    shown.remote.push(from.getAttribute('src') ?? '');
    return placeOf(target, from);
  }
  const made = target.createElement(from.localName);
  for (const { name, value } of from.attributes) if (attributes.has(name)) made.setAttribute(name, value);
  if (source !== undefined) made.setAttribute('src', source);
  if (made.localName === 'a') link(made, from.getAttribute('href') ?? '');
  const written = from.getAttribute('data-style');
  if (written !== null) paint(made.style, written);
  return made;
}

/** A link opens a page of its own, which does not know where it was opened from. */
function link(made: HTMLElement, href: string): void {
  if (!/^(?:https?:\/\/|mailto:|tel:)/i.test(href.trim())) return;
  made.setAttribute('href', href.trim());
  made.setAttribute('target', '_blank');
  made.setAttribute('rel', 'noopener noreferrer nofollow');
  // Where it leads, in place of where the mail says that it leads.
  made.setAttribute('title', href.trim());
}

/** Styles that load nothing and stay in the flow of the mail. */
function paint(style: CSSStyleDeclaration, written: string): void {
  style.cssText = written;
  for (const name of [...style]) {
    const value = style.getPropertyValue(name);
    if (/(?:url|image|image-set|cross-fade|element|src)\(/i.test(value) || isOutOfFlow(name, value))
      style.removeProperty(name);
  }
}

function isOutOfFlow(name: string, value: string): boolean {
  return name.startsWith('animation') || (name === 'position' && value !== 'relative' && value !== 'static');
}

/** The picture of a source: a part of the mail, or written out; undefined for one that would be loaded. */
function pictureOf(source: string, pictures: MailContent['pictures']): string | undefined {
  const [, id] = /^cid:(.+)$/i.exec(source.trim()) ?? [];
  if (id !== undefined) return pictures.get(id);
  return /^data:image\/(?:png|gif|jpe?g|webp);base64,[\w+/=\s]*$/i.test(source.trim()) ? source.trim() : undefined;
}

/** In place of a picture: its words. One of a few pixels only counts who reads the mail, and has none. */
function placeOf(target: Document, picture: Element): Element | undefined {
  const alt = (picture.getAttribute('alt') ?? '').trim();
  if (alt === '') return undefined;
  const made = target.createElement('span');
  made.className = 'picture';
  made.textContent = alt;
  return made;
}
