import { isStorableText } from '@rapport/contracts';
import type { Page, Peer, ReadItem } from '../../connectors/connector.js';

/** Maximum length of an id in bytes. Any id of this length fits into an index of PostgreSQL. */
const maxIdBytes = 2_000;

const unstorable = {
  reason: 'ID_UNFIT',
  message: `Its id has more than ${maxIdBytes.toLocaleString('en')} bytes, a NUL or a broken character.`,
} as const;

/** A peer whose records with ids that links can't hold count as unreadable, so that they hold up no others. */
export function withStorableIds(peer: Peer): Peer {
  const keepSessions = peer.keepSessions?.bind(peer);
  return {
    ...(keepSessions && { keepSessions }),
    check: (signal) => peer.check(signal),
    describe: (signal) => peer.describe(signal),
    async *read(request) {
      for await (const page of peer.read(request)) yield { ...page, items: page.items.map(readable) } satisfies Page;
    },
    async *readKeys(request) {
      for await (const keys of peer.readKeys(request)) yield keys.filter(({ id }) => isStorable(id));
    },
    readOne: async (recordType, id, signal) => (isStorable(id) ? peer.readOne(recordType, id, signal) : undefined),
    write: (request) => peer.write(request),
  };
}

/** Without the id, which no run can list. */
function readable(item: ReadItem): ReadItem {
  const id = item.kind === 'RECORD' ? item.record.id : item.id;
  return id === undefined || isStorable(id) ? item : { kind: 'UNREADABLE', issues: [unstorable] };
}

function isStorable(id: string): boolean {
  return Buffer.byteLength(id) <= maxIdBytes && isStorableText(id);
}
