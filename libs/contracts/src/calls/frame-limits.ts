/** Most calls that may be running on a stream. */
export const maxRunningCalls = 4_000;
/** Most principal tokens that a stream may know. */
export const maxTokens = 10_000;
/** Largest encoded request that a stream carries, in bytes: a larger one would hold up the calls behind it. */
export const maxRequestBytes = 256 * 1024;
/** Largest encoded answer of any call, in bytes: what clients take in one message, less what surrounds it. */
export const maxAnswerBytes = 63 * 1024 * 1024;
/** Size from which on a frame takes no further part, in bytes. */
const fullFrameBytes = 1024 * 1024;

/** Divides what one turn of the event loop has brought into frames, none of which is much beyond the size of a full one. */
export function* frames<Part>(parts: readonly Part[], bytesOf: (part: Part) => number): Generator<readonly Part[]> {
  let from = 0;
  let bytes = 0;
  for (const [index, part] of parts.entries()) {
    bytes += bytesOf(part);
    if (bytes < fullFrameBytes) continue;
    yield parts.slice(from, index + 1);
    [from, bytes] = [index + 1, 0];
  }
  if (from < parts.length) yield parts.slice(from);
}
