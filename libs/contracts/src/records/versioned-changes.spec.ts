import { expect, test } from 'vitest';
import type { ContractMethod } from '../descriptors/load-contract.js';
import { platformContract } from '../descriptors/platform-contract.js';
import { verbAndPath } from '../rest/rest-routes.js';

/** These answer with a record that they do not change, or with another one than the path names. */
const unchanging = ['CloneDeal', 'ResendInvitation', 'ResyncMailbox', 'SnapshotSegment'];

const methods = platformContract().methods.filter(({ http, isRead }) => http && !isRead);
const reads = platformContract().methods.filter(({ http }) => http?.get);
/** The types of versioned records by their paths, with the names of parameters left out. */
const versioned = new Map(
  [...reads, ...methods.filter(({ http }) => http?.patch ?? http?.put)]
    .filter(({ desc }) => desc.output.field['etag'])
    .map((method) => [pathOf(method), method.desc.output.typeName]),
);

test('each update and delete of a record with an etag takes If-Match', () => {
  const changes = methods
    .filter(({ http }) => http?.patch ?? http?.delete)
    .filter((each) => versioned.has(pathOf(each)));

  expect(changes.length).toBeGreaterThan(80);
  expect(changes.filter(lacksEtag).map(({ name }) => name)).toEqual([]);
});

test('each custom method that answers with the record that it changes takes If-Match', () => {
  const custom = methods.filter(
    (method) =>
      verbAndPath(method).template.includes(':') && versioned.get(pathOf(method)) === method.desc.output.typeName,
  );

  expect(custom.length).toBeGreaterThan(60);
  expect(
    custom
      .filter(lacksEtag)
      .map(({ name }) => name)
      .toSorted(),
  ).toEqual(unchanging);
});

function lacksEtag({ desc }: ContractMethod): boolean {
  return !desc.input.field['etag'];
}

/** Without the custom verb. */
function pathOf(method: ContractMethod): string {
  return verbAndPath(method)
    .template.replace(/:\w+$/, '')
    .replaceAll(/\{\w+\}/g, '{}');
}
