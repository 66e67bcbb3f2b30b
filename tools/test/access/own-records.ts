import type { SharedPlatform } from '@rapport/testing';
import { ApiClient } from '../api-client.ts';
import { once } from './markers.ts';

interface Means {
  platform: SharedPlatform;
  send: (method: string, path: string, body?: object) => Promise<unknown>;
  create: (path: string, body?: object) => Promise<string>;
  remove: (collection: string, id: string) => Promise<string>;
  customer: () => Promise<string>;
}

/** Creates records that belong to their caller. */
export function ownRecords({ platform, send, create, remove, customer }: Means, marker: string) {
  const makeView = () => create('/v1/views', { resource: 'customers', name: marker, shared: true });

  /** Of the caller, which a note by another key mentions. */
  const makeNotification = async () => {
    const grant = { displayName: marker, permissions: ['notes.write'] };
    const { key } = (await send('POST', '/v1/apiKeys', grant)) as { key: string };
    const { createdBy } = (await send('GET', `/v1/customers/${await customer()}`)) as { createdBy: string };
    const other = await ApiClient.connect(platform.edgeUrl, key);
    const note = { body: `@[${marker}](users/${createdBy.split(':')[1]})` };
    const { body } = await other.send('POST', '/v1/notes', { body: note });
    const { notifications } = (await send('GET', '/v1/notifications?kinds=MENTIONED&pageSize=100')) as {
      notifications: { id: string; recordId: string }[];
    };
    return notifications.find(({ recordId }) => recordId === (body as { id: string }).id)!.id;
  };

  return {
    living: { views: makeView, notifications: once(makeNotification) },
    deleted: {
      views: async () => remove('views', await makeView()),
      notifications: async () => remove('notifications', await makeNotification()),
    },
  };
}
