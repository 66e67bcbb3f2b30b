import sanitize from 'sanitize-html';
import { flatHtml, isTooDeep } from './deep-html.js';

const tags = [
  ...['a', 'abbr', 'address', 'article', 'b', 'bdi', 'bdo', 'big', 'blockquote', 'br', 'caption', 'center', 'cite'],
  ...['code', 'col', 'colgroup', 'dd', 'del', 'details', 'dfn', 'div', 'dl', 'dt', 'em', 'figcaption', 'figure'],
  ...['font', 'footer', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'header', 'hr', 'i', 'img', 'ins', 'kbd', 'li', 'main'],
  ...['mark', 'ol', 'p', 'pre', 'q', 's', 'samp', 'section', 'small', 'span', 'strike', 'strong', 'sub', 'summary'],
  ...['sup', 'table', 'tbody', 'td', 'tfoot', 'th', 'thead', 'time', 'tr', 'tt', 'u', 'ul', 'var', 'wbr'],
];

/** No function but those of colours: others can load, or run in old browsers. */
const plainValue = [/^[\w\s#%.,+'"-]{1,200}$/, /^(?:rgb|hsl)a?\([\d\s.,%/]{1,60}\)$/];

/** None of these can load anything, or show anything outside of the mail. */
const styles = [
  ...['background-color', 'border', 'border-bottom', 'border-collapse', 'border-color', 'border-left', 'border-radius'],
  ...['border-right', 'border-spacing', 'border-style', 'border-top', 'border-width', 'color', 'display', 'font'],
  ...['font-family', 'font-size', 'font-style', 'font-weight', 'height', 'letter-spacing', 'line-height'],
  ...['list-style-type', 'margin', 'margin-bottom', 'margin-left', 'margin-right', 'margin-top', 'max-width'],
  ...['min-width', 'padding', 'padding-bottom', 'padding-left', 'padding-right', 'padding-top', 'text-align'],
  ...['text-decoration', 'text-indent', 'text-transform', 'vertical-align', 'white-space', 'width', 'word-break'],
];

const size = ['width', 'height', 'align', 'valign', 'bgcolor'];

/**
 * The HTML of a mail without scripts, forms, and styles that act outside of it. Images of the mail itself stay. The
 * address of a remote one is in `data-remote-src`, so that it is not loaded.
 */
export function safeHtml(html: string): string {
  // Parts that end no element are within each other when they are one text.
  return sanitize(isTooDeep(html) ? flatHtml(html) : html, {
    allowedTags: tags,
    allowedAttributes: {
      '*': ['dir', 'lang', 'title', 'style'],
      a: ['href', 'name', 'rel', 'target'],
      font: ['color', 'face', 'size'],
      img: ['src', 'alt', 'width', 'height', 'data-remote-src'],
      ol: ['start', 'type'],
      table: ['border', 'cellpadding', 'cellspacing', ...size],
      td: ['colspan', 'rowspan', ...size],
      th: ['colspan', 'rowspan', ...size],
      tr: size,
      time: ['datetime'],
    },
    allowedStyles: { '*': Object.fromEntries(styles.map((name) => [name, plainValue])) },
    allowedSchemes: ['http', 'https', 'mailto', 'tel'],
    allowedSchemesByTag: { img: ['cid'] },
    allowProtocolRelative: false,
    disallowedTagsMode: 'discard',
    nestingLimit: 200,
    transformTags: {
      a: (tagName, { href, ...attributes }) => {
        // Anchors within the mail, and addresses without a host, would lead into the page around it.
        if (href === undefined || !/^(?:https?:|mailto:|tel:)/i.test(href.trim()))
          return { tagName, attribs: attributes };
        return { tagName, attribs: { ...attributes, href, rel: 'noopener noreferrer nofollow', target: '_blank' } };
      },
      img: (tagName, { src = '', 'data-remote-src': _own, ...attributes }) => {
        if (/^cid:/i.test(src)) return { tagName, attribs: { ...attributes, src } };
        const isRemote = /^https?:\/\//i.test(src);
        return { tagName, attribs: { ...attributes, ...(isRemote && { 'data-remote-src': src }) } };
      },
    },
  });
}
