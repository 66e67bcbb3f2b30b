/** Most calls that may be running on a stream. */
export const maxRunningCalls = 4_000;
/** Most principal tokens that a stream may know. */
export const maxTokens = 10_000;
/** Largest encoded request that a stream carries, in bytes: a larger one would hold up the calls behind it. */
export const maxRequestBytes = 256 * 1024;
/** Largest encoded answer of any call, in bytes: what clients take in one message, less what surrounds it. */
export const maxAnswerBytes = 63 * 1024 * 1024;
/** Largest frame of more than one part, in bytes. */
const maxFrameBytes = 1024 * 1024;

/** Divides the parts of one turn of the event loop into frames. A part that is larger than a frame has one of its own. */
export function* frames<Part>(parts: readonly Part[], bytesOf: (part: Part) => number): Generator<readonly Part[]> {
  let from = 0;
  let bytes = 0;
  for (const [index, part] of parts.entries()) {
    const partBytes = bytesOf(part);
    if (index > from && bytes + partBytes > maxFrameBytes) {
      yield parts.slice(from, index);
      [from, bytes] = [index, 0];
    }
    bytes += partBytes;
  }
  if (from < parts.length) yield parts.slice(from);
}
