/**
 * True when an If-None-Match header names the entity tag or is `*`: then the client has the answer already. Tags compare
 * weakly. Source: RFC 9110, sections 13.1.2 and 8.8.3.2.
 */
export function hasCurrent(ifNoneMatch: string, etag: string): boolean {
  if (ifNoneMatch === etag) return true;
  if (ifNoneMatch.trim() === '*') return true;
  const opaque = withoutWeakness(etag);
  // A comma may stand within quotes, so tags are found rather than split.
  for (const [tag] of ifNoneMatch.matchAll(/(?:W\/)?"[^"]*"/g)) if (withoutWeakness(tag) === opaque) return true;
  return false;
}

function withoutWeakness(tag: string): string {
  return tag.startsWith('W/') ? tag.slice(2) : tag;
}
