import { newMarker } from './markers.ts';

interface Calls {
  send: (method: string, path: string, body?: object) => Promise<unknown>;
  create: (path: string, body?: object) => Promise<string>;
}

/** Creates flows and secrets, named by `marker`. */
export function flowRecords({ send, create }: Calls, marker: string) {
  const definition = { trigger: { manual: {} }, steps: [{ key: 'end', raise: { code: 'END' } }] };
  const makeFlow = () => create('/v1/flows', { key: newMarker(), name: marker, definition });
  return {
    makeFlow,
    publishedFlow: async () => create(`/v1/flows/${await makeFlow()}:publish`),
    flowSecret: async () => {
      const name = newMarker();
      await send('PUT', `/v1/flowSecrets/${name}`, { value: marker });
      return name;
    },
  };
}
