/** HTML in which all external values are escaped. */
export class Html {
  constructor(readonly text: string) {}
}

/**
 * Elements within each other, at most, in HTML that others wrote: the time of parsers grows with their number for each of them. Browsers
 * draw about as many.
 */
export const maxHtmlDepth = 500;

type Part = string | Html | readonly Html[] | undefined;

/** Builds HTML from a template. Strings are escaped, lists joined, undefined values omitted. */
export function html(strings: TemplateStringsArray, ...parts: Part[]): Html {
  const written = parts.map((part) => {
    if (part === undefined) return '';
    if (part instanceof Html) return part.text;
    if (typeof part === 'string') return escapeHtml(part);
    return part.map(({ text }) => text).join('');
  });
  return new Html(strings.reduce((text, string, index) => text + (written[index - 1] ?? '') + string));
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
