import type { ExchangeContext } from '../exchange-context.js';
import type { Intent, Link } from '../links/link.js';

type Intending = Pick<ExchangeContext, 'links' | 'sealIntent'>;

/** Stores what a write is about to do. Each write of an exchange begins with it. @throws MappingChangedError, LinkChangedError */
export async function intend({ links, sealIntent }: Intending, link: Link, intent: Intent): Promise<void> {
  link.sealedIntent = sealIntent(link, intent);
  await links.saveIntent(link);
}

/** For a delete or an undelete, whose outcome is read from the side after a crash. @throws as `intend` */
export function intendPlain(context: Intending, link: Link): Promise<void> {
  return intend(context, link, { base: {} });
}
