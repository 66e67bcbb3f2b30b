import { allows, AppError, metrics, permissionMissing } from '@rapport/platform';
import { Counter } from 'prom-client';
import { CallEnded, clientGone } from '../call-ends.js';
import type { Authenticator, KnownCredential, Principal } from './authenticator.js';
import { hasLostRights } from './lost-rights.js';

/** How often it is looked for credentials to ask about, and how old an answer becomes before that, in milliseconds. */
const lookEveryMs = 250;
const verifyAfterMs = 750;
/** From this age of an answer on, a call passes nothing on until the next answer has come, in milliseconds. */
const goodForMs = 1_500;
/** How long auth may be away before calls end whose rights can not be confirmed, in milliseconds. */
const awayForMs = 30_000;

const endedCalls = new Counter({
  name: 'rapport_open_calls_ended_total',
  help: 'Calls that were ended because their callers had lost rights, by the code that clients get.',
  labelNames: ['code'] as const,
  registers: [metrics],
});

type Verifier = Pick<Authenticator, 'verify' | 'distrust'>;

/** A call to be watched. */
export interface AdmittedCall {
  /** The header that the call was admitted by. */
  authorization: string;
  principal: Principal;
  permission: string;
  /** Ends the call. Called at most once. */
  end: (reason: CallEnded) => void;
}

/**
 * Calls that go on, by credential. Each goes on only while its caller has all the rights with which it began: auth is asked about
 * the credential as about that of new requests, once a second, and at once when rights have changed in the tenant. What comes
 * meanwhile waits for the answer.
 */
export class OpenCalls {
  readonly #byCredential = new Map<string, OpenCredential>();
  readonly #timer: NodeJS.Timeout;

  constructor(private readonly authenticator: Verifier) {
    this.#timer = setInterval(() => this.#verifyAged(), lookEveryMs).unref();
  }

  /** To be left when the call has ended. */
  enter(admitted: AdmittedCall): OpenCall {
    const { authorization, principal } = admitted;
    let credential = this.#byCredential.get(authorization);
    if (!credential) {
      const forget = () => void this.#byCredential.delete(authorization);
      credential = new OpenCredential(authorization, principal.caller.tenantId, this.authenticator, forget);
      this.#byCredential.set(authorization, credential);
    }
    return credential.enter(admitted);
  }

  /** What principals may do may have changed. @param tenantId whose principals; those of all tenants when absent */
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

/** A credential of calls that go on, and what is known of it. */
class OpenCredential {
  readonly #calls = new Set<OpenCall>();
  readonly #openedAt = performance.now();
  #known: KnownCredential | undefined;
  #distrustedAt = -Infinity;
  #isVerifying = false;

  constructor(
    private readonly authorization: string,
    readonly tenantId: string,
    private readonly authenticator: Pick<Verifier, 'verify'>,
    private readonly forget: () => void,
  ) {}

  /** Whether auth is to be asked again. */
  get isAged(): boolean {
    return !this.isConfirmed || performance.now() - (this.#known?.askedAt ?? 0) >= verifyAfterMs;
  }

  /** Whether what auth has answered still counts. */
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

  /** Asks auth unless it is being asked, and ends the calls that may not go on. */
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
      this.#known = await this.authenticator.verify(this.authorization);
      for (const call of [...this.#calls]) call.compare(this.#known.principal);
    } catch (error) {
      this.#endUnlessAway(asAppError(error));
    }
  }

  #endUnlessAway(error: AppError): void {
    const awayMs = performance.now() - (this.#known?.askedAt ?? this.#openedAt);
    if (error.code !== 'UNAUTHENTICATED' && awayMs < awayForMs) return;
    for (const call of [...this.#calls]) call.end(error);
  }

  #leave(call: OpenCall): void {
    if (this.#calls.delete(call) && this.#calls.size === 0) this.forget();
  }
}

/** A call that goes on. */
export class OpenCall {
  #over: AppError | undefined;
  readonly #waiting: (() => void)[] = [];

  constructor(
    private readonly credential: OpenCredential,
    private readonly admitted: AdmittedCall,
    private readonly onLeave: (call: OpenCall) => void,
  ) {}

  /**
   * Waits until it is known that the caller has the rights with which the call began, so that what has come by then may be passed
   * on: most of the time it is, and the result undefined.
   *
   * @throws AppError why the call may not go on
   */
  confirmed(): Promise<void> | undefined {
    return !this.#over && this.credential.isConfirmed ? undefined : this.#untilConfirmed();
  }

  /** Ends the call when its caller has lost rights. @param now what the caller may do now */
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

  /** Looks again whether it may go on. */
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

/** ABORTED RIGHTS_CHANGED: what the caller is given now is other than what it asked for. */
function rightsChanged(): AppError {
  const message = 'The rights of the caller have changed. Ask again, and go on from the last cursor.';
  return new AppError('ABORTED', 'RIGHTS_CHANGED', message, { retryAfterSeconds: 1 });
}

function asAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  return new AppError('INTERNAL', 'INTERNAL', 'Something went wrong on our side.', { cause: error });
}
