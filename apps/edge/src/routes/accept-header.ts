/**
 * True when an Accept header prefers the first of two media types to the second: it has the greater quality, or the same
 * and is named while the other only falls under a wildcard. Source: RFC 9110, section 12.5.1.
 */
export function prefers(accept: string | undefined, first: string, second: string): boolean {
  const ranges = (accept ?? '').split(',').map(parseRange);
  const a = match(ranges, first);
  const b = match(ranges, second);
  if (a.quality !== b.quality) return a.quality > b.quality;
  return a.quality > 0 && a.precision > b.precision;
}

interface Range {
  type: string;
  quality: number;
}

function parseRange(text: string): Range {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const quality = Number(parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? 1);
  return { type, quality: Number.isNaN(quality) ? 0 : quality };
}

/** The most precise range that a type falls under counts. */
function match(ranges: readonly Range[], type: string): { quality: number; precision: number } {
  const spellings = ['*/*', `${type.split('/', 1)[0]}/*`, type];
  const precision = spellings.findLastIndex((spelling) => ranges.some((range) => range.type === spelling));
  const quality = ranges.find((range) => range.type === spellings[precision])?.quality ?? 0;
  return { quality, precision };
}
