import type { Contract, RestRoute } from '@rapport/contracts';
import type { Door } from './doors.ts';
import { references } from './references.ts';
import { validRequest, withValue } from './requests.ts';
import { newMarker } from './markers.ts';
import type { Ids } from './make-each.ts';
import type { TenantRecords } from './tenant-records.ts';

/**
 * Differences between the answers for `ids` and for unknown ids, in each id parameter of an operation.
 *
 * @param secret text that no answer may contain
 * @param except places to skip, such as `GetCustomField params.key`, each with its reason
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
  // Callers without the secret that proves a call must not learn its owner.
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
