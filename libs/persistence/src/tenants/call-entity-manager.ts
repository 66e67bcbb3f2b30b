import { AsyncLocalStorage } from 'node:async_hooks';
import type { EntityManager } from '@mikro-orm/postgresql';
import { callContext } from '@rapport/platform';
import { callErrorOf } from '../database-errors.js';
import { tenantSession } from './call-variables.js';

type Session = { variables: Record<string, string> } | undefined;

/**
 * The EntityManager of the current call. It is forked on the first use of the ORM, which statements that bypass the ORM
 * never need.
 */
class CallEntityManager {
  #fork: EntityManager | undefined;
  #isForking = false;

  constructor(
    readonly root: EntityManager,
    private readonly session: Session,
  ) {}

  /** Undefined while the fork is created, which asks for it. */
  get fork(): EntityManager | undefined {
    if (this.#fork || this.#isForking) return this.#fork;
    this.#isForking = true;
    const session = this.session && { session: this.session };
    this.#fork = this.root.fork({ disableContextResolution: true, useContext: true, ...session });
    return this.#fork;
  }

  get variables(): Readonly<Record<string, string>> {
    return this.#fork ? variablesOf(this.#fork) : (this.session?.variables ?? {});
  }
}

const calls = new AsyncLocalStorage<CallEntityManager>();

/**
 * Runs the handler of a call with an EntityManager of its own, limited to the rows of the caller's tenant; without a
 * caller, to no rows. Database failures become errors that callers can act on.
 *
 * @param root the service's own EntityManager, which resolves to that of the call meanwhile
 */
export async function inTenantSession<Answer>(root: EntityManager, handle: () => Promise<Answer>): Promise<Answer> {
  const caller = callContext.getStore()?.caller;
  const session = caller && tenantSession(caller.tenantId);
  try {
    return await calls.run(new CallEntityManager(root, session), handle);
  } catch (error) {
    throw callErrorOf(error);
  }
}

/** MikroORM's `context`: the fork that `root` resolves to. */
export function entityManagerOfCall(root: EntityManager): EntityManager | undefined {
  const call = calls.getStore();
  return call?.root === root ? call.fork : undefined;
}

/** The session settings of `em`, or of the fork that it resolves to in a call. */
export function sessionVariables(em: EntityManager): Readonly<Record<string, string>> {
  const call = calls.getStore();
  return call?.root === em ? call.variables : variablesOf(em);
}

function variablesOf(em: EntityManager): Readonly<Record<string, string>> {
  return (em.getSessionContext()?.variables ?? {}) as Record<string, string>;
}
