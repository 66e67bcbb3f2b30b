import { allows, AppError, metrics, permissionMissing } from '@rapport/platform';
import { Counter } from 'prom-client';
import { CallEnded, clientGone } from '../calls/call-ends.js';
import type { Authenticator, KnownCredential, Principal } from './authenticator.js';
import { hasLostRights } from './lost-rights.js';

/** How often auth is asked about credentials, and from which age of the last answer on, in milliseconds. */
const pollMs = 250;
const verifyAfterMs = 750;
/** From this age of an answer on, a call is paused until the next answer has come, in milliseconds. */
const goodForMs = 1_500;
/** How long auth may be unavailable before calls end whose rights can't be confirmed, in milliseconds. */
const maxOutageMs = 30_000;

const endedCalls = new Counter({
  name: 'rapport_open_calls_ended_total',
  help: 'Calls that were ended because their callers had lost rights, by the code that clients get.',
  labelNames: ['code'] as const,
  registers: [metrics],
});

type Verifier = Pick<Authenticator, 'verify' | 'distrust'>;

/** Undefined when the session is over. */
export type RenewAuthorization = () => Promise<string | undefined>;

/** A call to be watched. */
export interface AdmittedCall {
  /** The header that the call was admitted by. */
  authorization: string;
  /** The header that takes its place once it is no longer valid. A session of the console outlives its tokens. */
  renew?: RenewAuthorization | undefined;
  principal: Principal;
  permission: string;
  /** Ends the call. Called at most once. */
  end: (reason: CallEnded) => void;
}

/**
 * Open calls, by credential. A call stays open only while its caller has all the rights with which it began: auth is asked
 * about the credential once a second, and at once when rights have changed in the tenant. Messages that arrive meanwhile
 * wait for the answer.
 */
export class OpenCalls {
  readonly #byCredential = new Map<string, OpenCredential>();
  readonly #timer: NodeJS.Timeout;

  constructor(private readonly authenticator: Verifier) {
    this.#timer = setInterval(() => this.#verifyAged(), pollMs).unref();
  }

  /** Call its `leave` when the call has ended. */
  enter(admitted: AdmittedCall): OpenCall {
    const { authorization, renew, principal } = admitted;
    let credential = this.#byCredential.get(authorization);
    if (!credential) {
      const forget = () => void this.#byCredential.delete(authorization);
      const { tenantId } = principal.caller;
      credential = new OpenCredential({ authorization, renew }, tenantId, this.authenticator, forget);
      this.#byCredential.set(authorization, credential);
    }
    return credential.enter(admitted);
  }

  /** The rights of principals may have changed. @param tenantId whose principals; those of all tenants when absent */
  rightsChanged(tenantId?: string): void {
    this.authenticator.distrust(tenantId);
    for (const credential of this.#byCredential.values()) {
      if (tenantId === undefined || credential.tenantId === tenantId) credential.distrust();
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #verifyAged(): void {
    for (const credential of this.#byCredential.values()) {
      if (credential.isAged) credential.verify();
    }
  }
}

/** A credential of open calls, and auth's last answer about it. */
class OpenCredential {
  readonly #calls = new Set<OpenCall>();
  readonly #openedAt = performance.now();
  #known: KnownCredential | undefined;
  #distrustedAt = -Infinity;
  #isVerifying = false;

  constructor(
    private readonly current: Pick<AdmittedCall, 'authorization' | 'renew'>,
    readonly tenantId: string,
    private readonly authenticator: Pick<Verifier, 'verify'>,
    private readonly forget: () => void,
  ) {}

  /** Whether auth is to be asked again. */
  get isAged(): boolean {
    return !this.isConfirmed || performance.now() - (this.#known?.askedAt ?? 0) >= verifyAfterMs;
  }

  /** Whether auth's last answer is still current. */
  get isConfirmed(): boolean {
    const known = this.#known;
    if (!known || known.askedAt <= this.#distrustedAt) return false;
    return performance.now() - known.askedAt < goodForMs && known.expiresAt > Date.now();
  }

  enter(admitted: AdmittedCall): OpenCall {
    const call = new OpenCall(this, admitted, (left) => this.#leave(left));
    this.#calls.add(call);
    // The newest answer may be of other rights than those that the call was admitted with.
    if (this.#known && this.isConfirmed) call.compare(this.#known.principal);
    else this.verify();
    return call;
  }

  distrust(): void {
    this.#distrustedAt = performance.now();
    this.verify();
  }

  /** Asks auth unless a call is in flight, and ends the calls whose rights are lost. */
  verify(): void {
    if (this.#isVerifying) return;
    this.#isVerifying = true;
    void this.#ask().then(() => {
      this.#isVerifying = false;
      for (const call of [...this.#calls]) call.wake();
    });
  }

  async #ask(): Promise<void> {
    try {
      this.#known = await this.#verifyCurrent();
      for (const call of [...this.#calls]) call.compare(this.#known.principal);
    } catch (error) {
      this.#endUnlessUnavailable(asAppError(error));
    }
  }

  async #verifyCurrent(): Promise<KnownCredential> {
    const { authorization, renew } = this.current;
    try {
      return await this.authenticator.verify(authorization);
    } catch (error) {
      const next = error instanceof AppError && error.code === 'UNAUTHENTICATED' ? await renew?.() : undefined;
      if (next === undefined || next === authorization) throw error;
      this.current.authorization = next;
      return this.authenticator.verify(next);
    }
  }

  #endUnlessUnavailable(error: AppError): void {
    const outageMs = performance.now() - (this.#known?.askedAt ?? this.#openedAt);
    if (error.code !== 'UNAUTHENTICATED' && outageMs < maxOutageMs) return;
    for (const call of [...this.#calls]) call.end(error);
  }

  #leave(call: OpenCall): void {
    if (this.#calls.delete(call) && this.#calls.size === 0) this.forget();
  }
}

/** An open call. */
export class OpenCall {
  #over: AppError | undefined;
  readonly #waiting: (() => void)[] = [];

  constructor(
    private readonly credential: OpenCredential,
    private readonly admitted: AdmittedCall,
    private readonly onLeave: (call: OpenCall) => void,
  ) {}

  /**
   * Waits until the caller's rights are confirmed, so that the messages received so far may be passed on. Undefined,
   * without a wait, while auth's last answer is current.
   *
   * @throws AppError why the call must end
   */
  confirmed(): Promise<void> | undefined {
    return !this.#over && this.credential.isConfirmed ? undefined : this.#untilConfirmed();
  }

  /** Ends the call when its caller has lost rights. @param now the caller's current rights */
  compare({ caller: now, rights }: Principal): void {
    const { principal, permission } = this.admitted;
    if (rights === principal.rights || !hasLostRights(principal.caller, now)) return;
    this.end(allows(now.permissions, permission) ? rightsChanged() : permissionMissing(permission));
  }

  end({ code, reason, message, metadata, retryAfterSeconds }: AppError): void {
    if (this.#over) return;
    const retry = retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
    const ended = new CallEnded(code, reason, message, { metadata, ...retry });
    endedCalls.inc({ code: reason });
    this.#finish(ended);
    this.admitted.end(ended);
  }

  /** The call has ended, or its client has gone. */
  leave(): void {
    this.#finish(clientGone());
  }

  /** Checks its rights again. */
  wake(): void {
    for (const goOn of this.#waiting.splice(0)) goOn();
  }

  #finish(reason: AppError): void {
    this.#over ??= reason;
    this.onLeave(this);
    this.wake();
  }

  async #untilConfirmed(): Promise<void> {
    for (;;) {
      if (this.#over) throw this.#over;
      if (this.credential.isConfirmed) return;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }
}

/** ABORTED RIGHTS_CHANGED: with its current rights the caller gets a different answer than it asked for. */
function rightsChanged(): AppError {
  const message = 'The rights of the caller have changed. Ask again, and go on from the last cursor.';
  return new AppError('ABORTED', 'RIGHTS_CHANGED', message, { retryAfterSeconds: 1 });
}

function asAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  return new AppError('INTERNAL', 'INTERNAL', 'Something went wrong on our side.', { cause: error });
}
