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
      { to: '/customObjects', key: 'customObjects', icon: Boxes, permission: 'customObjects.read' },
      { to: '/files', key: 'files', icon: FileText, permission: 'files.read' },
    ],
  },
  {
    key: 'data',
    places: [
      { to: '/imports', key: 'imports', icon: Download, letter: 'i', permission: 'customers.write' },
      { to: '/duplicates', key: 'duplicates', icon: Merge, letter: 'u', permission: 'customers.read' },
      { to: '/connections', key: 'connections', icon: RefreshCw, letter: 'n', permission: 'connections.read' },
      { to: '/conflicts', key: 'conflicts', icon: TriangleAlert, letter: 'f', permission: 'connections.read' },
      { to: '/webhooks', key: 'webhooks', icon: Webhook, letter: 'w', permission: 'webhooks.read' },
    ],
  },
  {
    key: 'platform',
    places: [
      { to: '/traffic', key: 'traffic', icon: Activity, letter: 't', permission: '' },
      { to: '/access', key: 'access', icon: KeyRound, letter: 'a', permission: 'users.read' },
      { to: '/audit', key: 'audit', icon: Link, letter: 'l', permission: 'audit.read' },
      { to: '/privacy', key: 'privacy', icon: Shield, letter: 'p', permission: 'privacy.manage' },
      { to: '/operations', key: 'api', icon: CodeXml, letter: 'o', permission: '' },
      { to: '/all', key: 'all', icon: Bookmark, permission: '' },
    ],
  },
];
