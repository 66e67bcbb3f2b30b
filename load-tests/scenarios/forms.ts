import { check, sleep } from 'k6';
import { variable } from '../variables.ts';
import { Api, uniqueText } from './api.ts';
import type { Scenario } from './scenario.ts';

/** Think time between the steps, in seconds. */
const lookSeconds = 1;

/** Visitors who open and submit a form, and a marketer who reads the submissions. `PUBLIC_LIMITS` bounds how often a page is used. */
export function forms(baseUrl: string): Scenario {
  const api = new Api(baseUrl, variable('API_KEY'));
  return {
    protocol: 'http',
    operations: ['ShowFormPage', 'SubmitFormPage', 'ListFormSubmissions'],
    setup: () => newForm(api),
    run(token) {
      const path = `/f/${token as string}`;
      check(api.page('ShowFormPage', path), { 'a form is shown': (status) => status === 200 });
      sleep(lookSeconds);
      const visitor = { email: `${uniqueText()}@load.example`, name: 'Ada Lovelace', wish: 'A price' };
      check(api.submit('SubmitFormPage', path, visitor), { 'a submission is taken': (status) => status === 200 });
      sleep(lookSeconds);
      const filter = encodeURIComponent('state = CONFIRMED');
      const list = `/v1/formSubmissions?pageSize=20&filter=${filter}`;
      const { body } = api.get<{ formSubmissions: unknown[] }>('ListFormSubmissions', list);
      check(body, { 'submissions are listed': (answer) => (answer?.formSubmissions.length ?? 0) > 0 });
      sleep(lookSeconds);
    },
  };
}

/** @returns the token of its page. @throws Error, which ends the run, when no form can be created */
function newForm(api: Api): string {
  const { status, body } = api.send<{ token: string }>('POST', 'CreateForm', '/v1/forms', {
    key: `f${uniqueText().replaceAll(/\W/g, '').toLowerCase()}`,
    ...{ name: 'Load', state: 'ACTIVE', createsLead: true, proof: 'NONE' },
    fields: [
      { key: 'email', label: 'E-mail', isRequired: true, customerField: 'email' },
      { key: 'name', label: 'Your name', customerField: 'displayName' },
      { key: 'wish', label: 'What do you want?', leadField: 'message' },
    ],
  });
  if (!body) throw new Error(`No form could be created (${status}).`);
  return body.token;
}
