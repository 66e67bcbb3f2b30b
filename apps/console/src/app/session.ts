import { useQuery, useSuspenseQuery } from '@tanstack/react-query';
import { consoleHeaders, queryClient, readQuery } from '../contract/api.ts';
import { textAt } from '../contract/json.ts';

/** The tenant of the session. */
export const tenantQuery = (isAllowed: boolean) => ({ ...readQuery('getTenant', {}, isAllowed), staleTime: 300_000 });

/** Who is signed in, and what they may do. */
interface Session {
  user: { id: string; name: string; email: string };
  workspace: { id: string; name: string; slug: string };
  /** Such as `customers.read`. */
  permissions: string[];
  locale: string;
  expireTime: string;
}

export const sessionQuery = {
  queryKey: ['session'],
  queryFn: readSession,
  staleTime: 60_000,
  refetchOnWindowFocus: true,
} as const;

/** Null when nobody is signed in. A session that ends leaves its screen, where something may be typed: the calls say that it ended. */
async function readSession(): Promise<Session | null> {
  const response = await fetch('/console/session', { headers: consoleHeaders });
  if (response.status === 401) return queryClient.getQueryData<Session | null>(sessionQuery.queryKey) ?? null;
  if (!response.ok) throw new Error(`The session could not be read: ${response.status}.`);
  return (await response.json()) as Session;
}

/** The name of the workspace: what it is now, or else what it was at the sign-in. */
export function useWorkspaceName(): string {
  const session = useSession();
  const { data } = useQuery(tenantQuery(isPermitted(session, 'tenant.read')));
  return textAt(data, 'displayName') || session.workspace.name;
}

/** The session of a screen that only people who are signed in see. @throws Error when nobody is */
export function useSession(): Session {
  const { data } = useSuspenseQuery(sessionQuery);
  if (!data) throw new Error('Nobody is signed in.');
  return data;
}

/**
 * Whether the session has a permission.
 *
 * @param permission such as `customers.write`; `objects.subscription.read` is covered by `objects.read` too; an empty one is held by all
 */
export function isPermitted({ permissions }: Session, permission: string): boolean {
  const parts = permission.split('.');
  const general = `${parts.at(0)}.${parts.at(-1)}`;
  return permission === '' || permissions.includes(permission) || permissions.includes(general);
}

/** @param path of the console to return to */
export function signInUrl(workspace: string, path: string, language: string): string {
  const query = new URLSearchParams({ workspace, return: path, ui_locales: language });
  return `/console/sign-in?${query}`;
}

export async function signOut(): Promise<void> {
  await fetch('/console/sign-out', { method: 'POST', headers: consoleHeaders });
  location.assign('/');
}
