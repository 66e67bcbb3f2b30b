/** A part of a filter, as it is coloured. `search` is a word without operator, which is searched for. */
interface Token {
  kind: 'field' | 'operator' | 'join' | 'value' | 'mark' | 'search';
  start: number;
  text: string;
}

/** What may follow a text. */
type Expected = 'term' | 'value' | 'list' | 'between' | 'end';

interface Scan {
  tokens: Token[];
  expected: Expected;
}

const patterns = {
  space: /\s+/y,
  join: /(?:AND|OR|NOT)(?=[\s(-]|$)|-(?=\S)/y,
  // A field only with its operator: other words are searched for.
  field: /[A-Za-z_][\w.]*(?=\s*(?:!=|[=<>:])|\s+(?:IN|BETWEEN)[\s(])/y,
  operator: /!=|<=|>=|[=<>:]|IN(?=[\s(])|BETWEEN(?=\s)/y,
  value: /"(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?|[^\s()"'=<>!]+/y,
  item: /"(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?|[^\s()"'=<>!,]+/y,
  word: /"(?:\\.|[^"\\])*"?|[^\s()"=<>!:][^\s()"]*/y,
  mark: /[(),]/y,
  other: /[^]/y,
};

/** Reads a filter into its parts. It never fails: what is wrong is for the server to say. */
export function scan(text: string): Scan {
  const tokens: Token[] = [];
  let expected: Expected = 'term';
  let index = 0;
  const take = (pattern: keyof typeof patterns, kind?: Token['kind']): string | undefined => {
    patterns[pattern].lastIndex = index;
    const [found] = patterns[pattern].exec(text) ?? [];
    if (found === undefined) return undefined;
    if (kind) tokens.push({ kind, start: index, text: found });
    index += found.length;
    return found;
  };
  while (index < text.length) {
    if (take('space') !== undefined) continue;
    expected = next(expected, take);
  }
  return { tokens, expected };
}

type Take = (pattern: keyof typeof patterns, kind?: Token['kind']) => string | undefined;

function next(expected: Expected, take: Take): Expected {
  switch (expected) {
    case 'term':
    case 'end':
      return term(take);
    case 'value':
      return take('value', 'value') !== undefined || take('other', 'mark') !== undefined ? 'term' : expected;
    case 'between':
      return take('join', 'join') !== undefined || take('value', 'value') === undefined ? 'value' : 'between';
    case 'list':
      if (take('item', 'value') !== undefined) return 'list';
      return (take('mark', 'mark') ?? take('other', 'mark')) === ')' ? 'term' : 'list';
  }
}

function term(take: Take): Expected {
  if (take('join', 'join') !== undefined || take('mark', 'mark') !== undefined) return 'term';
  if (take('field', 'field') === undefined) {
    if (take('word', 'search') === undefined) take('other', 'mark');
    return 'term';
  }
  take('space');
  const operator = take('operator', 'operator');
  if (operator === 'IN') return 'list';
  return operator === 'BETWEEN' ? 'between' : 'value';
}

/** Whether a filter ends where it may end. */
export function isWhole({ tokens, expected }: Scan): boolean {
  const last = tokens.at(-1);
  const isOpen = last?.kind === 'value' && /^(["'])(?!.*\1$)|^["']$/.test(last.text);
  return expected === 'term' && last?.kind !== 'join' && !isOpen;
}

/** A filter without the words that are searched for. */
export interface Split {
  filter: string;
  q: string;
  /** Where a place of the filter is in the text. */
  placeOf: (index: number) => number;
}

/** Separates the comparisons of a text from its words, which need no AND. */
export function split(text: string): Split {
  const { tokens } = scan(text);
  const isWord = (token: Token | undefined) => token?.kind === 'search';
  const words = tokens.filter(isWord);
  const kept = tokens.filter((token, index) => {
    const joinsWord = isWord(tokens[index - 1]) || isWord(tokens[index + 1]);
    return !isWord(token) && !(token.text === 'AND' && joinsWord);
  });
  let filter = '';
  const places: { from: number; to: number }[] = [];
  for (const [index, token] of kept.entries()) {
    const before = kept[index - 1];
    const touches = !before || before.start + before.text.length === token.start;
    filter += touches ? '' : ' ';
    places.push({ from: filter.length, to: token.start });
    filter += token.text;
  }
  return {
    filter,
    q: words.map((word) => word.text.replace(/^"(.*)"$/, '$1')).join(' '),
    placeOf: (index) => {
      const place = places.findLast(({ from }) => from <= index);
      return place ? place.to + index - place.from : index;
    },
  };
}

/** What is at the caret, for its completion. */
export interface Context {
  kind: 'field' | 'operator' | 'value';
  /** The part of the text that a completion replaces. */
  from: number;
  to: number;
  /** What is written of it before the caret. */
  written: string;
  /** Of an operator or value. */
  field: string;
  /** The comparisons before this one. */
  before: string;
}

/** @param isField whether a word is the name of a field */
export function contextAt(text: string, caret: number, isField: (word: string) => boolean): Context {
  const head = text.slice(0, caret);
  const { tokens, expected } = scan(head);
  const last = tokens.at(-1);
  const touched = last && last.start + last.text.length === caret ? last : undefined;
  const rest = /^[^\s()"'=<>!,:]*/.exec(text.slice(caret))?.[0].length ?? 0;
  const at = (kind: Context['kind'], token: Token | undefined, field: Token | undefined): Context => ({
    kind,
    from: token?.start ?? caret,
    to: caret + (token ? rest : 0),
    written: token?.text ?? '',
    field: field?.text ?? '',
    before: comparisonsBefore(head, field?.start ?? token?.start ?? caret),
  });
  const field = tokens.findLast(({ kind }) => kind === 'field');
  const isValue = touched?.kind === 'value';
  if (isValue || expected !== 'term') return at('value', isValue ? touched : undefined, field);
  // A field without its operator is still a word.
  const word = touched?.kind === 'search' ? touched : undefined;
  const named = [last, word && tokens.at(-2)].find((token) => token?.kind === 'search' && isField(token.text));
  if (named) return at('operator', word === named ? undefined : word, named);
  return at('field', word, undefined);
}

/** Without what joins them to the next one. */
function comparisonsBefore(text: string, end: number): string {
  let { filter } = split(text.slice(0, end));
  for (let last = scan(filter).tokens.at(-1); last && (last.kind === 'join' || last.text === '(');) {
    filter = filter.slice(0, last.start).trimEnd();
    last = scan(filter).tokens.at(-1);
  }
  return filter;
}

/** A value as a filter writes it: quoted unless it is one plain word. */
export function quoted(value: string): string {
  return /^[^\s()"'=<>!,*\\]+$/.test(value) ? value : `"${value.replace(/["\\*]/g, String.raw`\$&`)}"`;
}
