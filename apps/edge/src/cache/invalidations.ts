import { AppError, type ErrorCode } from '@rapport/platform';
import { CallEnded } from '../call-ends.js';
import type { Floors } from './floors.js';
import type { FloorsOfWrite } from './tags.js';

/** What became of an invalidation at the other edges. */
export interface Raised {
  /** Resolves when no edge gives an answer any longer that was loaded before. Never rejects. */
  acknowledged: Promise<void>;
}

/** Makes what this edge learns known to every other edge. */
export interface OtherEdges {
  /** Resolves when nothing that was loaded before can be had from Redis. Never rejects. */
  raise(floors: readonly string[]): Promise<Raised>;
}

type Message = Record<string, unknown>;

/** Ends kept answers when something they depend on is written, before the writer is told that it is done. */
export class Invalidations {
  constructor(
    private readonly floors: Floors,
    private readonly others: OtherEdges | undefined,
  ) {}

  /**
   * Makes a call that may change something.
   *
   * @param raised the floors that it raises; absent when nothing that is kept depends on it
   * @throws what the call throws
   */
  async around<Answer>(
    raised: FloorsOfWrite | undefined,
    tenantId: string,
    request: Message,
    call: () => Promise<Answer>,
  ): Promise<Answer> {
    if (!raised) return call();
    let answer: Answer;
    try {
      answer = await call();
    } catch (error) {
      if (!isRefusal(error)) await this.end(raised(tenantId, request, undefined));
      throw error;
    }
    await this.end(raised(tenantId, request, answer as Message));
    return answer;
  }

  /**
   * Ends the answers that depend on any of these. Resolves when no edge gives one any longer. What Redis has goes first:
   * else a load that begins now could still find it there.
   */
  async end(floors: readonly string[]): Promise<void> {
    if (floors.length === 0) return;
    const raised = await this.others?.raise(floors);
    this.floors.raise(floors);
    await raised?.acknowledged;
  }
}

/**
 * True when a call certainly changed nothing. A deadline, a lost connection, a call that was ended, a client that went or an
 * unexpected failure leave open what was done.
 */
function isRefusal(error: unknown): boolean {
  return (
    error instanceof AppError &&
    !(error instanceof CallEnded) &&
    error.reason !== 'REQUEST_TIMEOUT' &&
    refuses[error.code]
  );
}

const refuses: Readonly<Record<ErrorCode, boolean>> = {
  INVALID_ARGUMENT: true,
  OUT_OF_RANGE: true,
  UNAUTHENTICATED: true,
  PERMISSION_DENIED: true,
  NOT_FOUND: true,
  ALREADY_EXISTS: true,
  FAILED_PRECONDITION: true,
  ABORTED: true,
  RESOURCE_EXHAUSTED: true,
  UNIMPLEMENTED: true,
  CANCELLED: false,
  DEADLINE_EXCEEDED: false,
  INTERNAL: false,
  UNAVAILABLE: false,
};
