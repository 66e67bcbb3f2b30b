import type { FastifyInstance } from 'fastify';

/** Serves the API's description at /openapi.json. */
export async function registerDocuments(server: FastifyInstance, openApi: Record<string, unknown>): Promise<void> {
  const document = JSON.stringify(openApi);
  server.get('/openapi.json', async (_request, reply) => reply.type('application/json').send(document));
}
