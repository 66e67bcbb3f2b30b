import { randomUUID } from 'node:crypto';
import { soakTimeoutMs } from '@rapport/testing';
import { vi } from 'vitest';
import type { Customer, ExchangeTenant } from '../exchange-tenant.ts';
import type { Person, Side } from './edits.ts';

type Json = Record<string, unknown>;

/** With a service that is away. */
const patience = { timeout: soakTimeoutMs, interval: 100 };

/** The customers, by REST. What a call that got no answer has done is found out by the same call again. */
export function customerSide(tenant: ExchangeTenant, { contentOf, personOf } = ofTexts): Side {
  const ask = async (method: string, path: string, body?: Json, etag?: string) => {
    const headers = { 'idempotency-key': randomUUID(), ...(etag !== undefined && { 'if-match': etag }) };
    const answered = async () => {
      const answer = await tenant.api.send(method, path, body, headers).catch(() => undefined);
      const isAnswered = answer && answer.status < 500 && answer.status !== 429 && !isBeingAnswered(answer.body);
      return isAnswered ? answer : undefined;
    };
    return vi.waitUntil(answered, patience);
  };
  return {
    name: 'customers',
    all: async () => {
      const customers = await vi.waitUntil(() => tenant.customers().catch(() => undefined), patience);
      return [...customers.values()].flatMap((customer) => personOf(customer) ?? []);
    },
    create: async (key, values) => {
      const { status, body } = await ask('POST', '/v1/customers', {
        kind: 'PERSON',
        displayName: key,
        ...contentOf(values),
      });
      if (status !== 201 && status !== 200) throw new Error(`A customer was not created: ${JSON.stringify(body)}`);
    },
    edit: async ({ id, values }, field, value) => {
      const current = await ask('GET', `/v1/customers/${id}`);
      const person = current.status === 200 ? personOf(current.body as Customer) : undefined;
      if (person?.values[field] !== values[field]) return false;
      const { etag } = current.body as Customer;
      return (await ask('PATCH', `/v1/customers/${id}`, contentOf({ [field]: value }), etag)).status === 200;
    },
    remove: async ({ id }) => (await ask('DELETE', `/v1/customers/${id}`)).status < 300,
    merge: async (kept, merged) => {
      const answer = await ask('POST', `/v1/customers/${kept.id}:merge`, { mergedId: merged.id });
      return answer.status === 200;
    },
  };
}

function isBeingAnswered(body: Json): boolean {
  return body['code'] === 'IDEMPOTENCY_KEY_IN_USE' || body['code'] === 'CONCURRENT_WRITE';
}

/** How what records have stands in customers. */
interface CustomerContent {
  contentOf: (values: Record<string, string>) => Json;
  personOf: (customer: Customer) => Person | undefined;
}

function contentOfTexts({ title, company, email }: Record<string, string>): Json {
  return {
    ...(title !== undefined && { jobTitle: title }),
    ...(company !== undefined && { companyName: company }),
    ...(email !== undefined && { emails: [{ address: email }] }),
  };
}

export function personOf(customer: Customer): Person | undefined {
  const {
    id,
    displayName,
    jobTitle = '',
    companyName = '',
    emails = [],
  } = customer as Customer & {
    displayName: string;
    jobTitle?: string;
    companyName?: string;
    emails?: { address: string }[];
  };
  const [first] = emails;
  return { id, key: displayName, values: { title: jobTitle, company: companyName, email: first?.address ?? '' } };
}

const ofTexts: CustomerContent = { contentOf: contentOfTexts, personOf };
