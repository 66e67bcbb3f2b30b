import { check } from 'k6';
import { variable } from '../variables.ts';
import { Api, uniqueText, type Customer } from './api.ts';
import type { Scenario } from './scenario.ts';

interface Page {
  changes?: { recordId: string }[];
  nextCursor: string;
  hasMore?: boolean;
}

/** Most pages that are read until a change has arrived. */
const mostPages = 50;

/** A reader of changes that waits for a change it has just made, and continues from there. */
export function feed(baseUrl: string): Scenario {
  const api = new Api(baseUrl, variable('API_KEY'));
  /** This client's cursor. */
  let cursor: string | undefined;
  return {
    protocol: 'http',
    operations: ['CreateCustomer', 'ListChanges'],
    setup: () => endOf(api),
    run(data) {
      cursor ??= data as string;
      const person = { kind: 'PERSON', givenName: 'Load', familyName: uniqueText() };
      const { body: created } = api.send<Customer>('POST', 'CreateCustomer', '/v1/customers', person);
      let hasArrived = false;
      for (let pages = 0; created && !hasArrived && pages < mostPages; pages += 1) {
        const page = read(api, cursor, 1);
        if (!page) break;
        cursor = page.nextCursor;
        hasArrived = page.changes?.some(({ recordId }) => recordId === created.id) ?? false;
      }
      check(hasArrived, { 'a change reaches its waiting reader': (arrived) => arrived });
    },
  };
}

/** @throws Error, which ends the run, when the changes can't be read */
function endOf(api: Api): string {
  let page: Page | undefined;
  do {
    page = read(api, page?.nextCursor, 0);
    if (!page) throw new Error('The changes of the tenant can not be read.');
  } while (page.hasMore);
  return page.nextCursor;
}

function read(api: Api, cursor: string | undefined, waitSeconds: number): Page | undefined {
  const from = cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`;
  return api.get<Page>('ListChanges', `/v1/changes?pageSize=1000&waitSeconds=${waitSeconds}${from}`).body;
}
