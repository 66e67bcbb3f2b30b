import { configurationCheck } from '../../../src/connectors/check-configuration.js';
import { ConnectorError } from '../../../src/connectors/connector-error.js';
import type { Connector, Page, Peer } from '../../../src/connectors/connector.js';
import { contentVersion } from '../../../src/connectors/values/content-version.js';
import type { ConnectorDescription, PeerDescription } from '../../../src/connectors/description.js';
import type { PeerRecord } from '../../../src/connectors/peer-record.js';
import { checkRecordType } from '../../../src/connectors/record-type.js';

const description: ConnectorDescription = {
  name: 'list',
  title: 'List of people at a web address',
  version: '1.0.0',
  configurationSchema: {
    type: 'object',
    properties: { url: { type: 'string', title: 'Address', pattern: '^https?://' } },
    required: ['url'],
    additionalProperties: false,
  },
  webhooks: false,
};
const check = configurationCheck<{ url: string }>(description.configurationSchema);

export const listConnector: Connector = {
  description,
  connect: (configuration, { fetch }): Peer => {
    const { url } = check(configuration);

    const people = async (signal: AbortSignal): Promise<PeerRecord[]> => {
      const answer = await fetch(url, { signal }).catch((cause: unknown) => {
        signal.throwIfAborted();
        throw new ConnectorError('UNAVAILABLE', 'Nobody answers there.', {
          violations: [{ field: '/url', reason: 'UNREACHABLE', description: 'Nobody answers there.' }],
          cause,
        });
      });
      if (!answer.ok) throw new ConnectorError('UNAVAILABLE', `The server answers ${answer.status}.`);
      const list = (await answer.json()) as { id: string; name: string }[];
      return list.map(({ id, name }) => ({ id, version: contentVersion([name]), fields: { name } }));
    };

    return {
      check: async (signal) => void (await people(signal)),
      describe: async (signal): Promise<PeerDescription> => {
        signal.throwIfAborted();
        const nothing = { incremental: false, create: false, update: false, delete: false, preconditions: false };
        const capabilities = { ...nothing, deletes: 'MISSING_KEYS' } as const;
        const fields = [{ name: 'name', type: 'TEXT', writable: false, required: false } as const];
        return { recordTypes: [{ name: 'person', fields, capabilities }] };
      },
      read: async function* ({ recordType, cursor, pageSize = 100, signal }): AsyncGenerator<Page> {
        checkRecordType(recordType, ['person']);
        const all = await people(signal);
        const [start = 0, version = ''] =
          cursor === undefined ? [] : [Number(cursor.split(' ')[0]), cursor.split(' ')[1]];
        const now = contentVersion(all.map((record) => record.version));
        if (cursor !== undefined && version !== now)
          throw new ConnectorError('CURSOR_EXPIRED', 'The list has changed.');
        for (let at = start; at < all.length; at += pageSize) {
          const items = all.slice(at, at + pageSize).map((record) => ({ kind: 'RECORD', record }) as const);
          yield { items, cursor: `${at + items.length} ${now}` };
          signal.throwIfAborted();
        }
        if (start >= all.length) yield { items: [], cursor: `${all.length} ${now}` };
      },
      readKeys: async function* ({ recordType, signal }) {
        checkRecordType(recordType, ['person']);
        yield (await people(signal)).map(({ id, version }) => ({ id, version }));
      },
      readOne: async (recordType, id, signal) => {
        checkRecordType(recordType, ['person']);
        return (await people(signal)).find((record) => record.id === id);
      },
      write: async ({ recordType }) => {
        checkRecordType(recordType, ['person']);
        throw new ConnectorError('UNSUPPORTED', 'A list is only read.');
      },
    };
  },
};
