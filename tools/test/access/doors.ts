import type { RestRoute } from '@rapport/contracts';
import { permissionForAll, type Caller } from '@rapport/platform';
import type { DescribedAnswers } from '../described-answers.ts';
import type { Credentials } from './credentials.ts';
import type { OperationRequest } from './requests.ts';
import { askEdge, type SeenAnswer } from './rest-caller.ts';
import type { ServiceCaller } from './service-caller.ts';

type Ask = (request: OperationRequest) => Promise<SeenAnswer>;

/** One transport of the platform: makes requests as different callers, and recognises refusals. */
export interface Door {
  name: string;
  /** As the tenant that owns the records, with every permission. */
  ask: Ask;
  /** With nothing but the permission of the operation. */
  askWithPermission: Ask;
  /** With every permission but that of the operation. */
  askWithoutPermission: Ask;
  /** Without a valid credential, in each possible form. */
  askAsNobody: Readonly<Record<string, Ask>>;
  refusals: Readonly<Record<'unauthenticated' | 'denied' | 'notFound' | 'invalid', SeenAnswer['status']>>;
}

/** Over REST, through the edge at `url`, whose answers must match its document. */
export function edgeDoor(url: string, described: DescribedAnswers, credentials: Credentials): Door {
  const as =
    (authorization: (route: RestRoute) => string | undefined | Promise<string>): Ask =>
    async (request) =>
      askEdge(url, described, request, await authorization(request.route));
  const { full, only, lacking, useless } = credentials;
  return {
    name: 'REST',
    ask: as(() => full),
    askWithPermission: as(({ method }) => only(permissionForAll(method.policy.permission))),
    askWithoutPermission: as(({ method }) => lacking(permissionForAll(method.policy.permission))),
    askAsNobody: Object.fromEntries(Object.entries(useless).map(([name, text]) => [name, as(() => text)])),
    refusals: { unauthenticated: 401, denied: 403, notFound: 404, invalid: 400 },
  };
}

/**
 * Over gRPC, to the services directly.
 *
 * @param useless invalid principal tokens, by the reason
 */
export function serviceDoor(
  services: ServiceCaller,
  tenantId: string,
  permissions: readonly string[],
  useless: Readonly<Record<string, string>>,
): Door {
  const as =
    (granted: (permission: string) => readonly string[]): Ask =>
    (request) => {
      const caller: Caller = {
        tenantId,
        principalId: `apiKey:${crypto.randomUUID()}`,
        permissions: granted(permissionForAll(request.route.method.policy.permission)),
      };
      return services.ask(request, caller);
    };
  return {
    name: 'gRPC',
    ask: as(() => permissions),
    askWithPermission: as((permission) => [permission]),
    askWithoutPermission: as((permission) => permissions.filter((other) => other !== permission)),
    askAsNobody: Object.fromEntries(
      Object.entries(useless).map(([name, token]) => [name, (request) => services.askWithToken(request, token)]),
    ),
    refusals: {
      unauthenticated: 'UNAUTHENTICATED',
      denied: 'PERMISSION_DENIED',
      notFound: 'NOT_FOUND',
      invalid: 'INVALID_ARGUMENT',
    },
  };
}
