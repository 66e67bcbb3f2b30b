import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router';
import { loadContract } from '../contract/contract.ts';
import { queryClient } from '../contract/api.ts';
import { listSearch } from '../screens/list/search.ts';
import { Failure, Missing, Pending } from './boundaries.tsx';
import { loadScreenTexts } from './language.ts';
import { sessionQuery } from './session.ts';
import { Shell } from './shell/shell.tsx';

const root = createRootRoute({ component: Outlet, notFoundComponent: Missing });

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  component: lazyRouteComponent(() => import('../screens/sign-in/sign-in.tsx'), 'SignIn'),
});

/** Screens of people who are signed in. */
const signedIn = createRoute({
  getParentRoute: () => root,
  id: 'signed-in',
  beforeLoad: async ({ location }) => {
    const [session] = await Promise.all([queryClient.ensureQueryData(sessionQuery), loadContract()]);
    // The router takes a thrown redirect, which is no error.
    // oxlint-disable-next-line typescript/only-throw-error
    if (!session) throw redirect({ to: '/sign-in', search: { return: location.href } });
  },
  component: Shell,
});

/** A screen that is loaded when it is first shown. */
function screen<Path extends string, Search = object>(
  path: Path,
  load: () => Promise<Record<string, unknown>>,
  name: string,
  validateSearch?: (search: Record<string, unknown>) => Search,
) {
  return createRoute({
    getParentRoute: () => signedIn,
    path,
    ...(validateSearch && { validateSearch }),
    component: lazyRouteComponent((path === '/' ? load : withTexts(load)) as never, name as never),
  });
}

/** Loads a screen beside the texts that the first one does not need. */
function withTexts<Screen>(load: () => Promise<Screen>): () => Promise<Screen> {
  return async () => {
    const [loaded] = await Promise.all([load(), loadScreenTexts()]);
    return loaded;
  };
}

/** Takes some texts of an address. */
function textSearch<Name extends string>(...names: readonly Name[]) {
  return (search: Readonly<Record<string, unknown>>): Partial<Record<Name, string>> =>
    Object.fromEntries(
      names.filter((name) => typeof search[name] === 'string').map((name) => [name, search[name]]),
    ) as never;
}

const screens = [
  screen('/', () => import('../screens/home/home.tsx'), 'Home'),
  screen('/inbox', () => import('../screens/inbox/inbox.tsx'), 'Inbox', textSearch('view', 'queue', 'ticket')),
  screen('/my-day', () => import('../screens/work/my-day.tsx'), 'MyDay'),
  screen('/calendar', () => import('../screens/calendar/calendar.tsx'), 'Calendar', textSearch('day', 'view')),
  screen('/access/explain', () => import('../screens/access/explain.tsx'), 'Explain'),
  screen('/audit/verify', () => import('../screens/audit/verify.tsx'), 'VerifyAudit'),
  screen('/all', () => import('../screens/all/all.tsx'), 'AllResources'),
  screen('/conflicts', () => import('../screens/conflicts/conflicts.tsx'), 'Conflicts'),
  screen(
    '/duplicates',
    () => import('../screens/duplicates/duplicates.tsx'),
    'Duplicates',
    textSearch('left', 'right'),
  ),
  screen(
    '/forecast',
    () => import('../screens/forecast/forecast.tsx'),
    'Forecast',
    textSearch('period', 'by', 'currency', 'pipeline', 'asOf'),
  ),
  screen('/imports', () => import('../screens/imports/imports.tsx'), 'Imports', textSearch('id')),
  screen('/imports/new', () => import('../screens/imports/new-import.tsx'), 'NewImport', textSearch('type')),
  screen(
    '/reports',
    () => import('../screens/reports/reports.tsx'),
    'Reports',
    textSearch('pipeline', 'range', 'owner'),
  ),
  screen('/pipelines/$id/stages', () => import('../screens/pipeline/pipeline.tsx'), 'PipelineEditor'),
  screen('/settings', () => import('../screens/settings/settings.tsx'), 'Settings'),
  screen('/traffic', () => import('../screens/traffic/traffic.tsx'), 'Traffic'),
  screen(
    '/notifications/preferences',
    () => import('../screens/notifications/preferences.tsx'),
    'NotificationPreferences',
  ),
  screen('/flows/new', () => import('../screens/flows/new-flow.tsx'), 'NewFlow'),
  screen('/flows/$id', () => import('../screens/flows/flow.tsx'), 'FlowEditor'),
  screen('/flowRuns/$id', () => import('../screens/flows/flow-run.tsx'), 'FlowRun'),
  screen('/my-approvals', () => import('../screens/flows/approvals.tsx'), 'Approvals'),
  screen(
    '/ticket-times',
    () => import('../screens/reports/ticket-times.tsx'),
    'TicketTimes',
    textSearch('range', 'by'),
  ),
  screen('/slaPolicies/$id/targets', () => import('../screens/sla/sla-policy.tsx'), 'SlaPolicyEditor'),
  screen('/segments/new', () => import('../screens/marketing/segments/segment.tsx'), 'SegmentScreen'),
  screen('/segments/$id/definition', () => import('../screens/marketing/segments/segment.tsx'), 'SegmentScreen'),
  screen('/campaigns/new', () => import('../screens/marketing/campaigns/campaign.tsx'), 'CampaignScreen'),
  screen('/campaigns/$id/mailing', () => import('../screens/marketing/campaigns/campaign.tsx'), 'CampaignScreen'),
  screen('/forms/new', () => import('../screens/marketing/forms/public-form.tsx'), 'FormScreen'),
  screen('/forms/$id/design', () => import('../screens/marketing/forms/public-form.tsx'), 'FormScreen'),
  screen(
    '/attribution',
    () => import('../screens/marketing/attribution/attribution.tsx'),
    'Attribution',
    textSearch('range', 'by'),
  ),
  screen('/operations', () => import('../screens/operation/operations.tsx'), 'Operations'),
  screen('/operations/$operation', () => import('../screens/operation/operation.tsx'), 'OperationScreen'),
  screen('/objects/$object', () => import('../screens/list/list.tsx'), 'List', listSearch),
  screen('/objects/$object/new', () => import('../screens/record/new-record.tsx'), 'NewRecord'),
  screen('/objects/$object/$id', () => import('../screens/record/record.tsx'), 'Record'),
  screen('/$resource/board', () => import('../screens/board/board.tsx'), 'Board'),
  screen('/$resource', () => import('../screens/list/list.tsx'), 'List', listSearch),
  screen('/$resource/new', () => import('../screens/record/new-record.tsx'), 'NewRecord'),
  screen('/$resource/$id', () => import('../screens/record/record.tsx'), 'Record'),
];

export const router = createRouter({
  routeTree: root.addChildren([signIn, signedIn.addChildren(screens)]),
  defaultPreload: 'intent',
  defaultErrorComponent: Failure,
  defaultPendingComponent: Pending,
  defaultPendingMs: 150,
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
