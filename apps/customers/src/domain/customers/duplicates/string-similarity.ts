/**
 * Jaro–Winkler similarity, 0 (nothing in common) to 1 (equal): Jaro's share of common and transposed letters, raised
 * for a common prefix of up to four letters, where people err least. Symmetric. Winkler, "String Comparator Metrics and
 * Enhanced Decision Rules in the Fellegi–Sunter Model of Record Linkage" (1990).
 */
export function jaroWinkler(left: string, right: string): number {
  if (left === right) return 1;
  // Jaro matches letters from left to right, which can depend on the order of the texts.
  if (left > right) return jaroWinkler(right, left);
  const jaro = jaroSimilarity(left, right);
  let prefix = 0;
  while (prefix < 4 && prefix < left.length && left[prefix] === right[prefix]) prefix += 1;
  return jaro + prefix * 0.1 * (1 - jaro);
}

function jaroSimilarity(left: string, right: string): number {
  const window = Math.max(0, Math.floor(Math.max(left.length, right.length) / 2) - 1);
  const taken = new Uint8Array(right.length);
  const common: number[] = [];
  for (let i = 0; i < left.length; i++) {
    const last = Math.min(right.length - 1, i + window);
    for (let j = Math.max(0, i - window); j <= last; j++) {
      if (taken[j] === 1 || left.charCodeAt(i) !== right.charCodeAt(j)) continue;
      taken[j] = 1;
      common.push(left.charCodeAt(i));
      break;
    }
  }
  if (common.length === 0) return 0;
  let outOfOrder = 0;
  let next = 0;
  for (let j = 0; j < right.length; j++) {
    if (taken[j] === 1 && right.charCodeAt(j) !== common[next++]) outOfOrder += 1;
  }
  const matches = common.length;
  return (matches / left.length + matches / right.length + (matches - outOfOrder / 2) / matches) / 3;
}

/**
 * Whether at most `limit` typing errors separate two texts: inserted, deleted, replaced or transposed letters. Damerau,
 * "A technique for computer detection and correction of spelling errors" (1964), as optimal string alignment. Only the
 * diagonal band within the limit is computed, so the cost is the length times the limit.
 */
export function withinEdits(left: string, right: string, limit: number): boolean {
  if (Math.abs(left.length - right.length) > limit) return false;
  const tooMany = limit + 1;
  let beforeLast = new Uint8Array(0);
  let last = Uint8Array.from({ length: right.length + 1 }, (_, j) => Math.min(j, tooMany));
  for (let i = 1; i <= left.length; i++) {
    const current = new Uint8Array(right.length + 1).fill(tooMany);
    if (i <= limit) current[0] = i;
    let best = current[0] ?? tooMany;
    for (let j = Math.max(1, i - limit); j <= Math.min(right.length, i + limit); j++) {
      const same = left[i - 1] === right[j - 1];
      let edits = Math.min(at(last, j) + 1, at(current, j - 1) + 1, at(last, j - 1) + (same ? 0 : 1));
      const transposed = i > 1 && j > 1 && left[i - 1] === right[j - 2] && left[i - 2] === right[j - 1];
      if (transposed) edits = Math.min(edits, at(beforeLast, j - 2) + 1);
      current[j] = Math.min(edits, tooMany);
      best = Math.min(best, edits);
    }
    if (best > limit) return false;
    [beforeLast, last] = [last, current];
  }
  return at(last, right.length) <= limit;
}

function at(row: Uint8Array, index: number): number {
  return row[index] ?? 255;
}

/**
 * Soundex of a folded text: its first letter and three digits for the following consonants, '' without a letter from a
 * to z. Russell's patent US 1,261,167 (1918), in the form of the United States census.
 */
export function soundex(text: string): string {
  const letters = text.replace(/[^a-z]/g, '');
  let code = letters.slice(0, 1);
  let previous = soundexDigits[code] ?? '';
  for (const letter of letters.slice(1)) {
    const digit = soundexDigits[letter] ?? '';
    if (digit !== '' && digit !== previous) code += digit;
    // H and W do not separate two letters of one sound; vowels do.
    if (letter !== 'h' && letter !== 'w') previous = digit;
    if (code.length === 4) break;
  }
  return code === '' ? '' : code.padEnd(4, '0');
}

const soundexDigits: Readonly<Record<string, string>> = Object.fromEntries(
  ['bfpv', 'cgjkqsxz', 'dt', 'l', 'mn', 'r'].flatMap((letters, index) =>
    Array.from(letters, (letter) => [letter, String(index + 1)]),
  ),
);
