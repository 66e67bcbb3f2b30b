import { newMarker, once } from './markers.ts';

interface Means {
  send: (method: string, path: string, body?: object) => Promise<unknown>;
  create: (path: string, body?: object) => Promise<string>;
  remove: (collection: string, id: string) => Promise<string>;
  customer: () => Promise<string>;
}

/** Creates segments, and the membership of a customer. STATIC ones: others change by themselves. */
export function segmentRecords({ send, create, remove, customer }: Means, marker: string) {
  const makeSegment = () => create('/v1/segments', { key: newMarker(), name: marker, kind: 'STATIC' });
  const makeMember = async () => {
    const id = await makeSegment();
    await send('POST', `/v1/segments/${id}:addMembers`, { customerIds: [await customer()] });
    const path = `/v1/segmentMembers?filter=${encodeURIComponent(`segmentId = "${id}"`)}`;
    const { segmentMembers } = (await send('GET', path)) as { segmentMembers: { id: string }[] };
    return segmentMembers[0]?.id ?? '';
  };
  return {
    living: { segments: once(makeSegment), segmentMembers: once(makeMember) },
    deleted: { segments: async () => remove('segments', await makeSegment()) },
  };
}
