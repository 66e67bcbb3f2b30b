/** Creates work of each type, named by `marker`, about some records. */
export function workRecords(
  create: (path: string, body?: object) => Promise<string>,
  marker: string,
  about: () => Promise<object[]>,
) {
  return {
    tasks: async () => create('/v1/tasks', { subject: marker, related: await about() }),
    notes: async () => create('/v1/notes', { body: marker, related: await about() }),
    calls: async () => create('/v1/calls', { subject: marker, related: await about() }),
    meetings: async () =>
      create('/v1/meetings', { subject: marker, startTime: '2026-09-30T09:00:00Z', related: await about() }),
    emails: async () => create('/v1/emails', { subject: marker, related: await about() }),
  };
}
