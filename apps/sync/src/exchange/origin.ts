import { exchangeOriginPrefix } from '@rapport/contracts';

/** What the change log says of the customers that a mapping has written. */
export function exchangeOrigin(mappingId: string): string {
  return `${exchangeOriginPrefix}${mappingId}`;
}
