// A program that uses the client: package.test.ts compiles it with the packed one.
import { Rapport, RapportError, type ChangeFeed, type Customer, type ErrorCode } from '../src/index.ts';
import { follow } from '../src/changes.ts';
import { verify, WebhookError, type WebhookEvent } from '../src/webhooks.ts';

const rapport = new Rapport({ baseUrl: 'https://rapport.example', accessToken: () => Promise.resolve('token') });

export async function createAndRead(name: string | undefined): Promise<Customer> {
  const { id } = await rapport.customers.create({ kind: 'PERSON', givenName: name, tags: ['a'] as const });
  const partial: Partial<Customer> = await rapport.customers.get({ id, readMask: 'id,displayName' });
  const stage: 'LEAD' | undefined = partial.lifecycleStage === 'LEAD' ? partial.lifecycleStage : undefined;
  return rapport.customers.edit(id, (customer) => ({ lifecycleStage: stage ?? null, tags: [...customer.tags, 'b'] }));
}

export async function everyPage(): Promise<number> {
  let count = 0;
  for await (const page of rapport.deals.list({ filter: 'amount > "EUR 5"', total: 'EXACT' }).pages())
    count += page.deals.length;
  const { customers } = await rapport.customers.batchGet({ ids: ['a'] });
  const { results } = await rapport.search({ q: 'ada' });
  return count + customers.length + results.length;
}

export async function records(): Promise<number> {
  const seats = rapport.records<{ seats: number; plan: 'gold' | 'silver' }>('subscription');
  const { id } = await seats.create({ name: 'Engines', customFields: { seats: 2 } });
  await seats.update({ id, customFields: { plan: null } });
  for await (const each of seats.list({ filter: 'customFields.plan = gold' })) return each.customFields?.seats ?? 0;
  const { customFields } = await seats.edit(id, (each) => ({
    customFields: { seats: (each.customFields?.seats ?? 0) + 1 },
  }));
  return customFields?.seats ?? 0;
}

export async function copy(cursor: string | undefined): Promise<void> {
  const feed: ChangeFeed<{ kind: string }> = rapport.changes.follow({ cursor, onExpired: 'snapshot' });
  for await (const event of rapport.changes.follow({ cursor, types: ['customer'] }))
    use(event.change.after?.['displayName']);
  for await (const event of follow(rapport, { cursor })) if (event.kind === 'change') use(event.cursor);
  for await (const { kind } of feed) if (kind === 'ready') break;
}

export async function receive(request: Request, secret: string): Promise<WebhookEvent | undefined> {
  try {
    return (await verify(request.headers, await request.text(), [secret])).event;
  } catch (error) {
    if (error instanceof WebhookError) return undefined;
    throw error;
  }
}

export function isTaken(error: unknown): boolean {
  const code: ErrorCode = 'EMAIL_TAKEN';
  return error instanceof RapportError && error.code === code && error.fields.every(({ pointer }) => pointer !== '');
}

function use(value: unknown): void {
  if (value === undefined) throw new Error('There is nothing to use.');
}
