import { newMarker } from './markers.ts';

interface Calls {
  send: (method: string, path: string, body?: object) => Promise<unknown>;
  create: (path: string, body?: object) => Promise<string>;
  remove: (collection: string, id: string) => Promise<string>;
  /** Creates a user, who can approve. */
  user: () => Promise<string>;
  customer: () => Promise<string>;
  segment: () => Promise<string>;
}

/** Creates flows and secrets, named by `marker`. */
export function flowRecords({ send, create, remove, user, customer, segment }: Calls, marker: string) {
  const definition = { trigger: { manual: {} }, steps: [{ key: 'end', raise: { code: 'END' } }] };
  const makeFlow = () => create('/v1/flows', { key: newMarker(), name: marker, definition });
  const run = async (step: object) => {
    const body = { key: newMarker(), name: marker, definition: { ...definition, steps: [step] } };
    const id = await create('/v1/flows', body);
    await send('POST', `/v1/flows/${id}:publish`);
    return create(`/v1/flows/${id}:run`);
  };
  const secret = async () => {
    const name = newMarker();
    await send('PUT', `/v1/flowSecrets/${name}`, { value: marker });
    return name;
  };
  const living = {
    flows: async () => create(`/v1/flows/${await makeFlow()}:publish`),
    flowSecrets: secret,
    flowRuns: () => run({ key: 'end', raise: { code: 'END' } }),
    flowEnrollments: async () => {
      const journey = { ...definition, kind: 'JOURNEY', trigger: { manual: { type: 'customer' } } };
      const id = await create('/v1/flows', { key: newMarker(), name: marker, definition: journey });
      await send('POST', `/v1/flows/${id}:publish`);
      const enrolling = { customerIds: [await customer()] };
      const { flowEnrollments } = (await send('POST', `/v1/flows/${id}:enroll`, enrolling)) as {
        flowEnrollments: { id: string }[];
      };
      return flowEnrollments[0]?.id ?? '';
    },
    flowBackfills: async () => {
      const manual = { ...definition, trigger: { manual: { type: 'customer' } } };
      const flowId = await create('/v1/flows', { key: newMarker(), name: marker, definition: manual });
      await send('POST', `/v1/flows/${flowId}:publish`);
      const id = await create(`/v1/flows/${flowId}:backfill`, { segmentId: await segment() });
      for (;;) {
        const { state } = (await send('GET', `/v1/flowBackfills/${id}`)) as { state: string };
        if (state !== 'RUNNING') return id;
      }
    },
    approvals: async () => {
      const runId = await run({ key: 'ask', approve: { question: `'${marker}'`, approverIds: [await user()] } });
      for (;;) {
        const { approvals } = (await send('GET', '/v1/approvals?pageSize=100')) as {
          approvals: { id: string; runId: string }[];
        };
        const found = approvals.find((each) => each.runId === runId);
        if (found) return found.id;
      }
    },
  };
  const deleted = {
    flows: async () => remove('flows', await makeFlow()),
    flowSecrets: async () => remove('flowSecrets', await secret()),
  };
  return { living, deleted };
}
