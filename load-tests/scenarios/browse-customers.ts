import { check, sleep } from 'k6';
import http, { type Response } from 'k6/http';

/** Where the API is, without a slash at its end, and a key for it that may read customers. */
export interface Target {
  baseUrl: string;
  apiKey: string;
}

interface Customer {
  id: string;
  displayName: string;
}

/** How long one looks at a page, in seconds. */
const lookSeconds = 1;
/** Longest text that the API searches for. */
const maxSearchLength = 200;

/** Somebody looks at the newest customers, opens the first and finds it again by its name. The tenant needs records. */
export function browseCustomers(target: Target): void {
  const page = get(target, 'ListCustomers', '/v1/customers?pageSize=20');
  const [newest] = customersOf(page);
  check(page, { 'the list has customers': () => newest !== undefined });
  if (!newest) return;
  sleep(lookSeconds);

  const opened = get(target, 'GetCustomer', `/v1/customers/${newest.id}`);
  check(opened, { 'a listed customer can be read': () => bodyOf<Customer>(opened)?.id === newest.id });
  sleep(lookSeconds);

  const words = encodeURIComponent(newest.displayName.slice(0, maxSearchLength));
  const found = get(target, 'SearchCustomers', `/v1/customers?q=${words}`);
  check(found, { 'its name finds it': () => customersOf(found).some(({ id }) => id === newest.id) });
  sleep(lookSeconds);
}

/** @param name what the request counts as in metrics and thresholds, whatever its URL */
function get({ baseUrl, apiKey }: Target, name: string, path: string): Response {
  return http.get(baseUrl + path, { headers: { authorization: `Bearer ${apiKey}` }, tags: { name } });
}

function customersOf(response: Response): Customer[] {
  return bodyOf<{ customers?: Customer[] }>(response)?.customers ?? [];
}

/** Nothing when it failed: k6 would only log what is thrown here, and no threshold would notice. */
function bodyOf<Body>(response: Response): Body | undefined {
  return response.status === 200 ? (response.json() as Body) : undefined;
}
