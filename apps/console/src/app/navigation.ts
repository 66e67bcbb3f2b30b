import * as icons from '../gen/icons.ts';
import { theContract } from '../contract/contract.ts';
import type { IconType } from '../kit/ui.tsx';
import { isPermitted, useSession } from './session.ts';

export interface Place {
  /** Path, and key of its name: `nav.<key>`. */
  to: string;
  key: string;
  icon: IconType;
  /** Letter that goes there after G. */
  letter?: string;
  /** Permission without which the place is not shown, where it is not that of the list of its collection. */
  permission?: string;
  /** Paths of the screens that belong to the place, as tabs: collections, and screens of their own. */
  tabs?: readonly string[];
}

interface PlaceGroup {
  key: string;
  places: readonly Place[];
}

/** The rail. Custom objects of the workspace follow the records. */
export const placeGroups: readonly PlaceGroup[] = [
  {
    key: 'work',
    places: [
      { to: '/', key: 'home', icon: icons.House, letter: 'h' },
      { to: '/inbox', key: 'inbox', icon: icons.Inbox, letter: 'b', permission: 'tickets.read' },
      { to: '/my-day', key: 'myDay', icon: icons.ListChecks, letter: 'm', permission: 'tasks.read' },
      { to: '/calendar', key: 'calendar', icon: icons.CalendarDays, letter: 'e', permission: 'meetings.read' },
      { to: '/my-approvals', key: 'approvals', icon: icons.CircleCheckBig, permission: 'approvals.read' },
    ],
  },
  {
    key: 'records',
    places: [
      { to: '/customers', key: 'customers', icon: icons.Users, letter: 'c', permission: 'customers.read' },
      { to: '/deals/board', key: 'deals', icon: icons.SquareKanban, letter: 'd', permission: 'deals.read' },
      {
        to: '/tickets',
        key: 'service',
        icon: icons.Ticket,
        letter: 'k',
        permission: 'tickets.read',
        tabs: [
          '/tickets',
          '/ticket-times',
          '/articles',
          '/articleSections',
          '/macros',
          '/messages',
          '/surveyResponses',
        ],
      },
      {
        to: '/campaigns',
        key: 'marketing',
        icon: icons.Megaphone,
        letter: 'v',
        permission: 'campaigns.read',
        tabs: [
          ...['/campaigns', '/segments', '/forms', '/formSubmissions', '/topics', '/messageEvents', '/touchpoints'],
          '/attribution',
          '/deliveryLimits',
        ],
      },
      {
        to: '/forecast',
        key: 'forecast',
        icon: icons.TrendingUp,
        letter: 'r',
        permission: 'forecasts.read',
        tabs: ['/forecast', '/reports', '/pipelines', '/stageEntries', '/quotas', '/forecastSubmissions'],
      },
      { to: '/customObjects', key: 'customObjects', icon: icons.Boxes, tabs: ['/customObjects', '/customFields'] },
    ],
  },
  {
    key: 'data',
    places: [
      {
        to: '/imports',
        key: 'imports',
        icon: icons.Download,
        letter: 'i',
        permission: 'customers.write',
        tabs: ['/imports', '/importMappings'],
      },
      { to: '/duplicates', key: 'duplicates', icon: icons.Merge, letter: 'u', tabs: ['/duplicates', '/merges'] },
      {
        to: '/connections',
        key: 'connections',
        icon: icons.RefreshCw,
        letter: 'n',
        tabs: ['/connections', '/mappings', '/syncRuns', '/connectors'],
      },
      { to: '/conflicts', key: 'conflicts', icon: icons.TriangleAlert, letter: 'f', permission: 'connections.read' },
      {
        to: '/flows',
        key: 'flows',
        icon: icons.Workflow,
        letter: 's',
        tabs: ['/flows', '/flowRuns', '/flowEnrollments', '/flowBackfills', '/flowDecisions', '/flowSecrets'],
      },
      {
        to: '/webhookEndpoints',
        key: 'webhooks',
        icon: icons.Webhook,
        letter: 'w',
        tabs: ['/webhookEndpoints', '/webhookDeliveries'],
      },
    ],
  },
  {
    key: 'platform',
    places: [
      { to: '/traffic', key: 'traffic', icon: icons.Activity, letter: 't' },
      {
        to: '/users',
        key: 'access',
        icon: icons.KeyRound,
        letter: 'a',
        tabs: [
          '/users',
          '/teams',
          '/roles',
          '/apiKeys',
          '/oauthClients',
          '/sessions',
          '/connectedApps',
          '/access/explain',
        ],
      },
      {
        to: '/auditEntries',
        key: 'audit',
        icon: icons.Link,
        letter: 'l',
        tabs: ['/auditEntries', '/securityEvents', '/audit/verify'],
      },
      {
        to: '/queues',
        key: 'serviceSetup',
        icon: icons.LifeBuoy,
        letter: 'q',
        tabs: [
          ...['/queues', '/slaPolicies', '/slaTimers', '/ticketStatuses', '/mailboxes', '/relays', '/templates'],
          '/surveys',
        ],
      },
      { to: '/erasures', key: 'privacy', icon: icons.Shield, letter: 'p', tabs: ['/erasures', '/suppressions'] },
      {
        to: '/settings',
        key: 'settings',
        icon: icons.SlidersHorizontal,
        permission: 'workspace.read',
        tabs: ['/settings', '/calendars', '/exchangeRates'],
      },
      { to: '/operations', key: 'api', icon: icons.CodeXml, letter: 'o' },
      { to: '/all', key: 'all', icon: icons.Bookmark },
    ],
  },
];

/** Whether a screen belongs to a place: its own, those below it, and its tabs. The list of deals belongs to their board. */
export function isWithin({ to, tabs = [] }: Place, pathname: string): boolean {
  return [to.replace('/board', ''), ...tabs].some((path) => pathname === path || pathname.startsWith(`${path}/`));
}

/** Whether the session may see a place or a tab: by its own permission, or that of its list. */
export function useMayGo(): (to: string, permission?: string) => boolean {
  const session = useSession();
  return (to, permission) => {
    const list = theContract().resource(to.slice(1))?.list;
    const own = permission ?? (list === undefined ? '' : theContract().operation(list).permission);
    return isPermitted(session, own);
  };
}
