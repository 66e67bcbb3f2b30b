interface Span {
  start: number;
  end: number;
}

/**
 * The text of a mail, put together from what is shown and from the parts of `text` that are hidden.
 *
 * @param trimmed in the order of the text, without overlaps
 */
export function wholeText(visible: string, trimmed: readonly Span[], text: string): string {
  let [result, shown, from] = ['', 0, 0];
  for (const { start, end } of trimmed) {
    result += visible.slice(shown, shown + start - from) + text.slice(start, end);
    shown += start - from;
    from = end;
  }
  return result + visible.slice(shown);
}
