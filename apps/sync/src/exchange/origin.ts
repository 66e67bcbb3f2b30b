import { exchangeOriginPrefix } from '@rapport/contracts';

/** The origin that the change log stores for customers that a mapping has written. */
export function exchangeOrigin(mappingId: string): string {
  return `${exchangeOriginPrefix}${mappingId}`;
}
