/**
 * Ranks are texts of hexadecimal digits, compared as such: fractions, between any two of which there is another one. Each ends with digits of
 * the deal's id, so that no two deals have the same one, and creating a deal needs no other.
 */

/** Digits of a rank that are a time in milliseconds: of a creation, or of an entry into a stage. */
const timeDigits = 12;
/** Digits of a moved deal's id: random ones of a UUIDv7. */
const idDigits = 12;
/** The longest prefix before them. Neighbors that leave no room for one get new ranks. */
const maxPrefix = 52;

/** The rank of a new deal: its UUIDv7 begins with the time. Deals of earlier releases have it too. */
export function rankOfNew(id: string): string {
  return id.replaceAll('-', '');
}

/** The rank of a deal that enters a stage without a position: behind all that were created, or entered, before. */
export function rankOfEntry(id: string, time: string): string {
  return Date.parse(time).toString(16).padStart(timeDigits, '0') + rankOfNew(id).slice(timeDigits);
}

/**
 * A rank between two others, whose length grows by a digit for each four moves to the same position.
 *
 * @param low undefined: before all others
 * @param high undefined: after all others
 * @returns undefined when none of at most 64 digits is left
 */
export function rankBetween(low: string | undefined, high: string | undefined, id: string): string | undefined {
  const prefix = low === undefined || high === undefined ? beyond(low, high) : prefixes(low, high, 1)?.[0];
  return prefix === undefined ? undefined : withId(prefix, id);
}

/**
 * Ranks between two others, evenly distributed.
 *
 * @param ids in the order of the ranks
 * @returns undefined when there is no room for all
 */
export function ranksBetween(
  low: string | undefined,
  high: string | undefined,
  ids: readonly string[],
): string[] | undefined {
  const found = prefixes(low, high, ids.length);
  return found && ids.map((id, place) => withId(found[place] ?? '', id));
}

function withId(prefix: string, id: string): string {
  return prefix + rankOfNew(id).slice(-idDigits);
}

/** At the ends a small step leaves room for as many moves as there will be, at the same length. */
function beyond(low: string | undefined, high: string | undefined): string | undefined {
  const edge = digitsOf(low ?? high ?? 'f', timeDigits);
  const next = low === undefined ? edge - 1n : edge + 1n;
  const isFree = next > 0n && next < 16n ** BigInt(timeDigits) - 1n;
  return isFree ? textOf(next, timeDigits) : prefixes(low, high, 1)?.[0];
}

/**
 * The shortest texts of one length between two others, evenly distributed. Whatever follows such a text keeps it between them: it
 * differs from both.
 */
function prefixes(low: string | undefined, high: string | undefined, count: number): string[] | undefined {
  for (let length = 1; length <= maxPrefix; length += 1) {
    const first = low === undefined ? -1n : digitsOf(low, length);
    const last = high === undefined ? 16n ** BigInt(length) : digitsOf(high, length);
    const gap = last - first;
    if (gap <= BigInt(count)) continue;
    return Array.from({ length: count }, (_, place) =>
      textOf(first + (gap * BigInt(place + 1)) / BigInt(count + 1), length),
    );
  }
  return undefined;
}

/** The first digits of a text, filled with zeros, as a number. */
function digitsOf(text: string, length: number): bigint {
  return BigInt(`0x${text.slice(0, length).padEnd(length, '0')}`);
}

function textOf(number: bigint, length: number): string {
  return number.toString(16).padStart(length, '0');
}
