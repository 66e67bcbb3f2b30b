import { check, sleep } from 'k6';
import { variable } from '../variables.ts';
import { Api, uniqueText } from './api.ts';
import type { Scenario } from './scenario.ts';

interface Lead {
  id: string;
  customerId: string;
}

/** Think time between the steps, in seconds. */
const lookSeconds = 1;

/** A visitor who sends a request, and a user who looks at the new leads and qualifies this one. Uses the first pipeline of the tenant. */
export function leads(baseUrl: string): Scenario {
  const api = new Api(baseUrl, variable('API_KEY'));
  return {
    protocol: 'http',
    operations: ['IntakeLead', 'ListLeads', 'QualifyLead'],
    setup: () => firstPipeline(api),
    run(pipelineId) {
      const text = uniqueText();
      const customer = { kind: 'PERSON', displayName: text, emails: [{ address: `${text}@leads.example` }] };
      const lead = { source: 'load', company: text };
      const taken = api.send<{ lead: Lead }>('POST', 'IntakeLead', '/v1/leads:intake', { customer, lead });
      check(taken.body, { 'a lead is taken in': (answer) => answer?.lead.customerId !== undefined });
      sleep(lookSeconds);
      const filter = encodeURIComponent('status = NEW AND source = load');
      const { body } = api.get<{ leads: Lead[] }>('ListLeads', `/v1/leads?pageSize=20&filter=${filter}`);
      check(body, { 'new leads are listed': (answer) => answer?.leads !== undefined });
      sleep(lookSeconds);
      const deal = { pipelineId: pipelineId as string, amount: { amount: '1200.50', currencyCode: 'EUR' } };
      const path = `/v1/leads/${taken.body?.lead.id ?? ''}:qualify`;
      const qualified = api.send<{ created: boolean }>('POST', 'QualifyLead', path, { deal });
      check(qualified.body, { 'a lead gets a deal': (answer) => answer?.created === true });
      sleep(lookSeconds);
    },
  };
}

/** @throws Error, which ends the run, when the tenant has no pipeline */
function firstPipeline(api: Api): string {
  const { status, body } = api.get<{ pipelines?: { id: string }[] }>('ListPipelines', '/v1/pipelines?pageSize=1');
  const [first] = body?.pipelines ?? [];
  if (!first) throw new Error(`The tenant has no pipeline for its deals (${status}).`);
  return first.id;
}
