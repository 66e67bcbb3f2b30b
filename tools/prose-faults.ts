/** A file whose lines may break the rules, and the reason. */
export interface ProseException {
  file: string;
  reason: string;
}

/** Refused texts, and the words to write instead. The patterns are written so that this file does not match them. */
const rules: readonly { refused: RegExp; instead: string }[] = [
  { refused: /[Ww]hoever|[Ww]ho may|[Ss]omebody/, instead: 'the caller, client or user' },
  { refused: /by which[ ]way|for[ ]itself|goes[ ]on with/, instead: 'how, alone or separately, continues with' },
  { refused: /is[ ]t[o]ld|[Tt]ells? (?:it|a|an|the|what|how|whether)/, instead: 'receives, reports, shows' },
  { refused: /\bt[o]ld\b|[a-z]T[o]ld\b/, instead: 'received, reported' },
  { refused: /\b(?:a|the|its|their|each) fl[o]or\b|\bfl[o]ors\b|\bfl[o]orOf\b/, instead: 'version' },
  { refused: /\bf[o]oting\b/, instead: 'snapshot' },
  { refused: /\bs[i]ght\b|[a-z]S[i]ght\b/, instead: 'access' },
  { refused: /\bm[o]urn(?:s|ed|ing)?\b/i, instead: 'consumer expiry' },
  { refused: /\bcr[o]wds?\b/, instead: 'batch' },
  { refused: /\broll[ ]c[a]ll|rollC[a]ll/i, instead: 'peer acknowledgement' },
  // The word alone is a released column of sync.
  {
    refused: /\bl[a]nes\b|[a-z]L[a]nes?\b|\bL[a]ne\b|\b(?:a|the|its|each) l[a]ne\b/,
    instead: 'sender, ordering key, test group',
  },
  { refused: /(?:under|onThe|both)W[a]ys?\b/i, instead: 'inFlight, running, buffered' },
];

/** Most lines of the repository that exceptions may have. */
const maxExceptions = 20;

/** Whether the rules apply to a file. The changelog has the words of its time. */
export function hasProse(file: string): boolean {
  return /\.(?:ts|mjs|proto|md)$/.test(file) && file !== 'CHANGELOG.md';
}

/**
 * Finds the words of the style guide's "Never" list and retired names: one sentence for each line, for each exception without
 * such a line, and for too many exceptions.
 *
 * @param texts by file
 */
export function proseFaults(texts: ReadonlyMap<string, string>, exceptions: readonly ProseException[]): string[] {
  const found = new Map([...texts].map(([file, text]) => [file, faultsOf(file, text)]));
  const allowed = new Set(exceptions.map(({ file }) => file));
  const linesOf = (file: string) => found.get(file)?.length ?? 0;
  const total = exceptions.reduce((sum, { file }) => sum + linesOf(file), 0);
  return [
    ...[...found].flatMap(([file, faults]) => (allowed.has(file) ? [] : faults)),
    ...exceptions
      .filter(({ file }) => linesOf(file) === 0)
      .map(({ file, reason }) => `${file}: its exception is not needed (${reason})`),
    ...(total > maxExceptions ? [`Exceptions have ${total} lines of prose, which is more than ${maxExceptions}`] : []),
  ];
}

function faultsOf(file: string, text: string): string[] {
  return text.split('\n').flatMap((line, index) => {
    const rule = rules.find(({ refused }) => refused.test(line));
    return rule ? [`${file}:${index + 1}: "${rule.refused.exec(line)?.[0]}" (write ${rule.instead})`] : [];
  });
}
