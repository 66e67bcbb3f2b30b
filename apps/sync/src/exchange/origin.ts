const prefix = 'sync:';

/** What the change log says of the customers that a mapping has written. */
export function exchangeOrigin(mappingId: string): string {
  return `${prefix}${mappingId}`;
}
