import { RestServer } from '../connectors/rest-server.ts';

/** People of another system, by their names. */
export interface People {
  /** Of a connection to it. */
  settings: Record<string, unknown>;
  secrets: Record<string, unknown>;
  add(name: string): Promise<void>;
  edit(name: string, title: string): Promise<void>;
  /** Names and titles. */
  all(): Promise<string[][]>;
  stop(): Promise<void>;
}

/** Those of the server that tests have. */
export async function ownPeople(): Promise<People> {
  const server = await RestServer.start({ paging: 'OFFSET' });
  const { bearerToken, ...settings } = server.configuration;
  return {
    settings,
    secrets: { bearerToken },
    add: async (name) => void server.add({ name }),
    edit: async (name, title) => server.edit(server.all().findIndex((each) => each['name'] === name) + 1, { title }),
    all: async () => server.all().map(({ name, title = '' }) => [name, title].map(String)),
    stop: () => server.stop(),
  };
}
