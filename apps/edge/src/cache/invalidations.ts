import { AppError, type ErrorCode } from '@rapport/platform';
import { CallEnded } from '../calls/call-ends.js';
import type { RedisEdges } from './redis-edges.js';
import type { TagsOfWrite, TagVersions } from './tags.js';

type Message = Record<string, unknown>;

/** Invalidates cached answers when something they depend on is written, before the write is acknowledged to its client. */
export class Invalidations {
  /** @param others absent when this is the only edge */
  constructor(
    private readonly versions: TagVersions,
    private readonly others: RedisEdges | undefined,
  ) {}

  /**
   * Makes a call that may change something.
   *
   * @param tags what it invalidates; absent when no cached answer depends on it
   * @throws what the call throws
   */
  async around<Answer>(
    tags: TagsOfWrite | undefined,
    tenantId: string,
    request: Message,
    call: () => Promise<Answer>,
  ): Promise<Answer> {
    if (!tags) return call();
    let answer: Answer;
    try {
      answer = await call();
    } catch (error) {
      if (!isRefusal(error)) await this.invalidate(tags(tenantId, request, undefined));
      throw error;
    }
    await this.invalidate(tags(tenantId, request, answer as Message));
    return answer;
  }

  /**
   * Resolves when no edge serves an answer with these tags any longer. Redis goes first: a load that begins now looks
   * there.
   */
  async invalidate(tags: readonly string[]): Promise<void> {
    if (tags.length === 0) return;
    const invalidated = await this.others?.invalidate(tags);
    this.versions.invalidate(tags);
    await invalidated?.acknowledged;
  }
}

/**
 * True when a call certainly changed nothing. After a deadline, a lost connection, a cancelled call, a client that
 * disconnected or an unexpected failure, the outcome is unknown.
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
