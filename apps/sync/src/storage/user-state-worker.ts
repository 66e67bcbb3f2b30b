import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import type { ContractClient } from '@rapport/contracts';
import {
  UsersServiceService,
  type ClaimUserStatesResponse,
  type UserStateChange,
} from '@rapport/contracts/rapport/auth/v1/users_service';
import { AssignmentActionsServiceService } from '@rapport/contracts/rapport/work/v1/assignment_actions_service';
import { errorKind, LoopWorker, WorkerLoop } from '@rapport/platform';

/** Interval between polls of auth, in milliseconds: most of the delay until customers knows a changed state. */
const intervalMs = 5_000;

/** Half of the time that a claim lasts. */
const callMs = 5_000;

/**
 * Carries the states of users from auth to customers, whose assignment rules skip users that are disabled or deleted. Auth keeps a
 * change until it is confirmed, and customers ignores one that is older than what it knows. So a repetition or a delay is harmless.
 */
export class UserStateWorker extends LoopWorker {
  readonly #logger = new Logger('UserStateWorker');
  protected readonly loop = new WorkerLoop({
    pass: () => this.#pass(),
    intervalMs,
    onOutage: (error) => this.#logger.warn("Can't claim the changed states of users.", error),
  });

  constructor(
    private readonly auth: Pick<ContractClient, 'unary'>,
    private readonly customers: Pick<ContractClient, 'unary'>,
  ) {
    super();
  }

  /** @returns 0 when there may be more to do */
  async #pass(): Promise<number | undefined> {
    const answer = await ask(this.auth, UsersServiceService.claimUserStates.path, {});
    const { changes } = answer as ClaimUserStatesResponse;
    const tenants = [...Map.groupBy(changes, ({ tenantId }) => tenantId)];
    const reported = await Promise.all(tenants.map(([tenantId, own]) => this.#report(tenantId, own)));
    if (changes.length === 0) return undefined;
    await ask(this.auth, UsersServiceService.confirmUserStates.path, { changes: reported.flat() });
    return 0;
  }

  /** @returns the changes that customers knows now. Without success none: their claim ends, and they are claimed again. */
  async #report(tenantId: string, changes: UserStateChange[]): Promise<UserStateChange[]> {
    const states = changes.map(({ userId, position, isInactive }) => ({ userId, position, isInactive }));
    try {
      await ask(this.customers, AssignmentActionsServiceService.reportUserStates.path, { tenantId, states });
      return changes;
    } catch (error) {
      this.#logger.warn(`The states of users of the tenant ${tenantId} are delayed: ${errorKind(error)}.`);
      return [];
    }
  }
}

function ask(client: Pick<ContractClient, 'unary'>, path: string, request: object): Promise<unknown> {
  return client.unary(path, request, { context: { requestId: randomUUID() }, deadlineMs: callMs });
}
