import { fetchAddressBooks, fetchHomeUrl, fetchPrincipalUrl, propfind, serviceDiscovery, type DAVAccount } from 'tsdav';
import { configurationError, ConnectorError } from '../connector-error.js';
import type { CardDavConfiguration } from './carddav-configuration.js';
import { treeFetch } from './dav-fetch.js';

type Fetch = typeof globalThis.fetch;

/**
 * The URL of the configured collection: `url` itself when it is an address book, else an address book of the account
 * that is discovered from there (RFC 6764, RFC 6352 §7).
 *
 * @throws ConnectorError that names the wrong field
 */
export async function findAddressBook(
  configuration: CardDavConfiguration,
  boundedFetch: Fetch,
  signal: AbortSignal,
): Promise<string> {
  const fetch = treeFetch(boundedFetch);
  const url = configuration.url.endsWith('/') ? configuration.url : `${configuration.url}/`;
  const [answer] = await atUrl(signal, () => propfind({ url, props: { 'd:resourcetype': {} }, depth: '0', fetch }));
  if (answer?.ok && 'addressbook' in resourceType(answer.props)) return url;
  const books = await atUrl(signal, () => accountBooks({ accountType: 'carddav', serverUrl: url }, fetch));
  const { addressBook } = configuration;
  const fitting = addressBook === undefined ? books : books.filter(({ name }) => name === addressBook);
  const [first] = fitting;
  if (!first) {
    const field = addressBook === undefined ? '/url' : '/addressBook';
    throw configurationError(field, { reason: 'NOT_FOUND', description: 'The account has no such address book.' });
  }
  if (fitting.length > 1) {
    const description = `The account has ${fitting.length} matching address books. Give the address of one as url.`;
    throw configurationError('/addressBook', { reason: 'AMBIGUOUS', description });
  }
  return first.url;
}

async function accountBooks(found: DAVAccount, fetch: Fetch): Promise<{ url: string; name: string }[]> {
  const rootUrl = await serviceDiscovery({ account: found, fetch });
  const principalUrl = await fetchPrincipalUrl({ account: { ...found, rootUrl }, fetch });
  const homeUrl = await fetchHomeUrl({ account: { ...found, rootUrl, principalUrl }, fetch });
  const books = await fetchAddressBooks({ account: { ...found, rootUrl, homeUrl }, fetch });
  return books.map(({ url, displayName }) => ({ url, name: typeof displayName === 'string' ? displayName : '' }));
}

/** tsdav throws plain errors when discovery fails. The user needs the name of the field. */
async function atUrl<Result>(signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof Error) || error instanceof ConnectorError) throw error;
    throw configurationError(
      '/url',
      { reason: 'NOT_FOUND', description: 'There is no CardDAV account.' },
      { cause: error },
    );
  }
}

function resourceType(props: unknown): object {
  const { resourcetype } = (props ?? {}) as { resourcetype?: unknown };
  return typeof resourcetype === 'object' && resourcetype !== null ? resourcetype : {};
}
