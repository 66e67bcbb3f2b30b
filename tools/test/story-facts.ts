import type { Api } from '../demo/api.ts';

/** What the story has left, which a restart must not change. */
export async function storyFacts(api: Api): Promise<object> {
  const { operations } = await api<{ operations: { state: string; counts: Record<string, number> }[] }>(
    'GET',
    '/v1/operations',
  );
  const { merges } = await api<{ merges: { undoTime?: string }[] }>('GET', '/v1/merges');
  const { counts } = await api<{ counts: object[] }>('GET', '/v1/syncConflicts');
  const { erasures } = await api<{ erasures: object[] }>('GET', '/v1/erasures');
  const { users } = await api<{ users: object[] }>('GET', '/v1/users');
  const { roles } = await api<{ roles: { displayName: string; builtIn: boolean }[] }>('GET', '/v1/roles');
  return {
    imports: operations.map((each) => [each.state, each.counts['created'], each.counts['failed']]),
    undoneMerges: merges.map(({ undoTime }) => undoTime !== undefined).sort(),
    conflicts: counts,
    erasures: erasures.length,
    users: users.length,
    roles: roles.flatMap(({ displayName, builtIn }) => (builtIn ? [] : [displayName])).sort(),
    subscriptions: await countOf(api, 'objects/subscription/records', 'customFields.seats > 0 AND customFields.plan:*'),
    subscribers: await countOf(api, 'customers', 'associations.subscribes_to.objects.subscription:*'),
    stays: await countOf(api, 'stageEntries', ''),
  };
}

export async function countOf(api: Api, collection: string, filter: string): Promise<number> {
  const query = filter === '' ? '' : `?filter=${encodeURIComponent(filter)}`;
  return (await api<{ total: { count: number } }>('GET', `/v1/${collection}:aggregate${query}`)).total.count;
}
