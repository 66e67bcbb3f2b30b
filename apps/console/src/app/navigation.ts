import {
  Activity,
  Bookmark,
  Boxes,
  CodeXml,
  Download,
  FileText,
  House,
  KeyRound,
  Link,
  Merge,
  RefreshCw,
  Shield,
  SquareKanban,
  TriangleAlert,
  Users,
  Webhook,
} from 'lucide-react';
import type { IconType } from '../kit/ui.tsx';

export interface Place {
  /** Path, and key of its name: `nav.<key>`. */
  to: string;
  key: string;
  icon: IconType;
  /** Letter that goes there after G. */
  letter?: string;
  /** Permission without which the place is not shown. */
  permission: string;
  /** Paths of the screens that belong to the place, as tabs: collections, and screens of their own. */
  tabs?: readonly string[];
}

export interface PlaceGroup {
  key: string;
  places: readonly Place[];
}

/** The rail. Custom objects of the workspace follow the records. */
export const placeGroups: readonly PlaceGroup[] = [
  { key: 'work', places: [{ to: '/', key: 'home', icon: House, letter: 'h', permission: '' }] },
  {
    key: 'records',
    places: [
      { to: '/customers', key: 'customers', icon: Users, letter: 'c', permission: 'customers.read' },
      { to: '/deals/board', key: 'deals', icon: SquareKanban, letter: 'd', permission: 'deals.read' },
      {
        to: '/customObjects',
        key: 'customObjects',
        icon: Boxes,
        permission: 'customObjects.read',
        tabs: ['/customObjects', '/customFields', '/pipelines', '/stageEntries'],
      },
      { to: '/files', key: 'files', icon: FileText, permission: 'files.read' },
    ],
  },
  {
    key: 'data',
    places: [
      {
        to: '/imports',
        key: 'imports',
        icon: Download,
        letter: 'i',
        permission: 'customers.write',
        tabs: ['/imports', '/importMappings'],
      },
      {
        to: '/duplicates',
        key: 'duplicates',
        icon: Merge,
        letter: 'u',
        permission: 'customers.read',
        tabs: ['/duplicates', '/merges'],
      },
      {
        to: '/connections',
        key: 'connections',
        icon: RefreshCw,
        letter: 'n',
        permission: 'connections.read',
        tabs: ['/connections', '/mappings', '/syncRuns', '/connectors'],
      },
      { to: '/conflicts', key: 'conflicts', icon: TriangleAlert, letter: 'f', permission: 'connections.read' },
      {
        to: '/webhookEndpoints',
        key: 'webhooks',
        icon: Webhook,
        letter: 'w',
        permission: 'webhooks.read',
        tabs: ['/webhookEndpoints', '/webhookDeliveries'],
      },
    ],
  },
  {
    key: 'platform',
    places: [
      { to: '/traffic', key: 'traffic', icon: Activity, letter: 't', permission: '' },
      {
        to: '/users',
        key: 'access',
        icon: KeyRound,
        letter: 'a',
        permission: 'users.read',
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
        icon: Link,
        letter: 'l',
        permission: 'audit.read',
        tabs: ['/auditEntries', '/securityEvents', '/audit/verify'],
      },
      {
        to: '/erasures',
        key: 'privacy',
        icon: Shield,
        letter: 'p',
        permission: 'privacy.manage',
        tabs: ['/erasures', '/suppressions'],
      },
      { to: '/operations', key: 'api', icon: CodeXml, letter: 'o', permission: '' },
      { to: '/all', key: 'all', icon: Bookmark, permission: '' },
    ],
  },
];
