import { check, sleep } from 'k6';
import { quoteMix, stepAt } from '../mixes.ts';
import type { Operation } from '../slo.ts';
import { variable } from '../variables.ts';
import { Api, uniqueText } from './api.ts';
import type { Scenario } from './scenario.ts';

type Step = keyof typeof quoteMix;

interface Quote {
  id: string;
  state: string;
}

/** Input of the iterations: a deal, one of its quotes, and the path of the page of that. */
interface Offer {
  dealId: string;
  id: string;
  path: string;
}

/** Think time after an answer, in seconds. */
const lookSeconds = 1;

const operations: Readonly<Record<Step, Operation>> = {
  get: 'GetQuote',
  list: 'ListQuotes',
  show: 'ShowQuotePage',
  create: 'CreateQuote',
  send: 'SendQuote',
};

const lineItems = [
  {
    ...{ description: 'Seat, one year', quantity: '50', unitPrice: '129.95', discount: { percent: '12.5' } },
    tax: { mode: 'EXCLUSIVE', category: 'STANDARD', rate: '19' },
  },
  { description: 'Training on site', quantity: '2.5', unitPrice: '950' },
];

/** Users who write and send quotes, and customers who read one. `PUBLIC_LIMITS` bounds how often one link is read. */
export function quotes(baseUrl: string): Scenario {
  const api = new Api(baseUrl, variable('API_KEY'));
  return {
    protocol: 'http',
    operations: Object.values(operations),
    setup: () => sentQuote(api),
    run(data) {
      take(api, stepAt(quoteMix, Math.random() * 100), data as Offer);
      sleep(lookSeconds);
    },
  };
}

/** @throws Error, which ends the run, when the tenant has no deal to make an offer for */
function sentQuote(api: Api): Offer {
  const { status, body } = api.get<{ deals?: { id: string }[] }>('ListDeals', '/v1/deals?pageSize=1');
  const dealId = body?.deals?.[0]?.id;
  if (dealId === undefined) throw new Error(`The tenant has no deal to make an offer for (${status}).`);
  const id = create(api, dealId)?.id ?? '';
  const sent = api.send<{ path: string }>('POST', 'SendQuote', `/v1/quotes/${id}:send`, {});
  return { dealId, id, path: sent.body?.path ?? '' };
}

function create(api: Api, dealId: string): Quote | undefined {
  const quote = { title: `Load ${uniqueText()}`, dealId, currency: 'EUR', lineItems };
  return api.send<Quote>('POST', 'CreateQuote', '/v1/quotes', quote).body;
}

function take(api: Api, step: Step, { dealId, id, path }: Offer): void {
  const operation = operations[step];
  switch (step) {
    case 'get': {
      const { body } = api.get<Quote>(operation, `/v1/quotes/${id}`);
      check(body, { 'a quote can be read': () => body?.id === id });
      return;
    }
    case 'list': {
      const filter = encodeURIComponent(`dealId = "${dealId}" AND state = SENT`);
      const { body } = api.get<{ quotes: Quote[] }>(operation, `/v1/quotes?pageSize=20&filter=${filter}`);
      check(body, { 'the list has the sent quote': () => (body?.quotes.length ?? 0) > 0 });
      return;
    }
    case 'show': {
      const status = api.page(operation, path);
      check(status, { 'the page of a quote is shown': () => status === 200 });
      return;
    }
    case 'create': {
      const made = create(api, dealId);
      check(made, { 'a quote is created': () => made?.state === 'DRAFT' });
      return;
    }
    case 'send': {
      const draft = create(api, dealId);
      const { body } = api.send<{ path?: string }>('POST', operation, `/v1/quotes/${draft?.id ?? ''}:send`, {});
      check(body, { 'a quote is sent': () => body?.path?.startsWith('/q/') === true });
      return;
    }
    default:
      step satisfies never;
  }
}
