import { expect, test } from 'vitest';
import { recordContracts } from '../records/record-contract.js';
import { restRoutes } from '../rest/rest-routes.js';
import { contractWithSiteVisits } from './contract-with-site-visits.js';
import { platformContract } from './platform-contract.js';

test('the contract with site visits is that of the platform with one more type of records', () => {
  const [contract, platform] = [contractWithSiteVisits(), platformContract()];
  const pathsOf = ({ methods }: typeof contract) => methods.map(({ path }) => path);

  expect(pathsOf(contract)).toEqual(expect.arrayContaining(pathsOf(platform)));
  const types = recordContracts(contract).map(({ type }) => type);
  expect(types).toEqual([...recordContracts(platform).map(({ type }) => type), 'rapport/SiteVisit']);
  const visit = recordContracts(contract).at(-1);
  expect(visit?.fields).toMatchObject([
    { name: 'id', isId: true, writable: 'NEVER' },
    { name: 'summary', isPersonal: true },
    { name: 'place', isPersonal: false },
    { name: 'customerId', reference: 'rapport/Customer' },
    { name: 'hostId', reference: 'rapport/Customer' },
  ]);
  expect(restRoutes(contract).map(({ path }) => path.template)).toContain('/v1/siteVisits/{id}');
});
