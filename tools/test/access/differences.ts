import type { Contract, RestRoute } from '@rapport/contracts';
import type { Door } from './doors.ts';
import { references } from './references.ts';
import { validRequest, withValue } from './requests.ts';
import { newMarker, type Ids, type TenantRecords } from './tenant-records.ts';

/**
 * What is told of `ids` that is not told of ids that are nowhere, in each place of an operation that takes an id.
 *
 * @param secret what no answer may have in it
 * @param except places that are asked about something else, such as `GetCustomField params.key`, each with its reason
 */
export async function differences(
  contract: Contract,
  door: Door,
  route: RestRoute,
  ours: TenantRecords,
  ids: Ids,
  secret: string,
  except: Readonly<Record<string, string>> = {},
): Promise<string[]> {
  const faults: string[] = [];
  // Whose secret proves a call is not told to who does not have it.
  const refusal = route.provenBy === undefined ? door.refusals.notFound : door.refusals.unauthenticated;
  for (const { place, collection, write = String } of references(contract, route)) {
    const id = ids[collection];
    const name = `${route.method.name} ${place.join('.')}`;
    if (id === undefined || name in except) continue;
    const request = validRequest(contract, route, ours);
    const nowhere = id.includes('-') ? crypto.randomUUID() : newMarker();
    const answer = await door.ask(withValue(request, place, write(id)));
    const expected = await door.ask(withValue(request, place, write(nowhere)));
    const [left, right] = [answer.rest.replaceAll(id, '<id>'), expected.rest.replaceAll(nowhere, '<id>')];
    const isRight =
      !answer.rest.includes(secret) &&
      (place[0] !== 'params' || answer.status === refusal) &&
      answer.status === expected.status &&
      left === right;
    if (isRight) continue;
    const known = new Set(right.split('\n'));
    const news = left.split('\n').filter((line) => !known.has(line));
    faults.push(`${name}: ${answer.status}, not ${expected.status}: ${news.join(' | ')}`);
  }
  return faults;
}
