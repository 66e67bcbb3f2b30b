import { newMarker, once } from './markers.ts';

type Named = Readonly<{ id: string; token: string }>;

interface Means {
  edgeUrl: string;
  send: (method: string, path: string, body?: object) => Promise<unknown>;
  remove: (collection: string, id: string) => Promise<string>;
}

const fields = [{ key: 'email', label: 'E-mail', kind: 'EMAIL', isRequired: true, customerField: 'email' }];

/** Creates forms, and what a visitor has sent by one. */
export function formRecords({ edgeUrl, send, remove }: Means, marker: string) {
  const makeForm = async () => {
    const form = { key: newMarker(), name: marker, fields, state: 'ACTIVE', proof: 'NONE', createsLead: true };
    return (await send('POST', '/v1/forms', form)) as Named;
  };
  const makeSubmission = async () => {
    const { id, token } = await makeForm();
    const body = new URLSearchParams({ email: `${newMarker()}@form.example` });
    await fetch(`${edgeUrl}/f/${token}`, { method: 'POST', body });
    const path = `/v1/formSubmissions?filter=${encodeURIComponent(`formId = "${id}"`)}`;
    const [made] = ((await send('GET', path)) as { formSubmissions: Named[] }).formSubmissions;
    if (!made) throw new Error('The form was not submitted.');
    return made.id;
  };
  const makeId = async () => (await makeForm()).id;
  return {
    living: { forms: once(makeId), formSubmissions: once(makeSubmission) },
    deleted: { forms: async () => remove('forms', await makeId()) },
  };
}
