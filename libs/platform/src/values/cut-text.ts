const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** UTF-16 code units of a grapheme that is kept whole: longer ones, such as letters with hundreds of accents, are cut. */
const maxGrapheme = 40;

/** The beginning of a text, of at most a number of code points. It ends with a whole character as readers see them. */
export function cutText(text: string, most: number): string {
  if (text.length <= most) return text;
  let end = 0;
  for (let count = 0; count < most && end < text.length; count += 1) end += text.codePointAt(end)! > 0xffff ? 2 : 1;
  if (end >= text.length) return text;
  // Only the characters near the end matter, but where they begin depends on those before them.
  const start = graphemes.segment(text.slice(0, end + maxGrapheme)).containing(end)?.index ?? end;
  return text.slice(0, end - start <= maxGrapheme && start > 0 ? start : end);
}
