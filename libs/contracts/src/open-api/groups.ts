import type { DescService } from '@bufbuild/protobuf';
import type { RestRoute } from '../rest/rest-route.js';

/** Groups of operations, in the order in which an integration meets them. Others follow by name. */
const order = [
  'Customers',
  'Deals',
  'Deal moves',
  'Pipelines',
  'Stage entries',
  'Search',
  'Associations',
  'Custom fields',
  'Custom objects',
  'Object records',
  'Files',
  'Merges',
  'Consents',
  'Suppressions',
  'Operations',
  'Change feed',
  'Webhook endpoints',
  'Webhook deliveries',
  'Connections',
  'Mappings',
  'Sync runs',
  'Sync conflicts',
  'Hooks',
  'Flows',
  'Flow runs',
  'Flow decisions',
  'Flow enrollments',
  'Flow trials',
  'Flow secrets',
  'Approvals',
  'Mailboxes',
  'Settings',
  'Views',
  'Workspace',
  'Privacy',
  'Audit',
  'Traffic',
  'Account',
  'Auth',
  'Users',
  'Roles',
  'Teams',
  'Permissions',
  'Sessions',
];

/** The name of a service for people, such as `Stage entries`. */
export function groupName({ name }: DescService): string {
  const words = name.replace(/Service$/, '').replace(/(?<=[a-z])(?=[A-Z])/g, ' ');
  return words.replace(/ [A-Z][a-z]/g, (start) => start.toLowerCase()).replace(/^Sla /, 'SLA ');
}

/** Routes by the order of their groups. Within a group they keep theirs. */
export function byGroup(routes: readonly RestRoute[]): RestRoute[] {
  const rank = (name: string) => (order.includes(name) ? order.indexOf(name) : order.length);
  const groups = Map.groupBy(routes, ({ method }) => groupName(method.service));
  return [...groups.keys()]
    .toSorted((one, other) => rank(one) - rank(other) || one.localeCompare(other))
    .flatMap((name) => groups.get(name) ?? []);
}
