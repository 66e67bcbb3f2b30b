import { createHash } from 'node:crypto';
import type { EntityManager } from '@mikro-orm/postgresql';
import type {
  ReceiveFlowHookRequest,
  ReceiveFlowHookResponse,
} from '@rapport/contracts/rapport/flows/v1/flow_hooks_service';
import { withConnection } from '@rapport/persistence';
import { AppError, invalidArgument } from '@rapport/platform';
import type { ClientBase } from 'pg';
import { activeFlows, type ActiveFlow } from '../definitions/active-flows.js';
import { hopHeader } from '../effects/http-effect.js';
import type { Json } from '../effects/effect-port.js';
import { Expressions } from '../interpreter/expressions.js';
import type { NewRun } from '../runs/new-run.js';
import { startRuns } from '../runs/start-runs.js';
import { maxHops } from '../triggers/loop-brake.js';
import type { EngineParts } from '../worker/engine-parts.js';

/** Most levels of the body. */
const maxDepth = 20;

/**
 * Starts a run for a call with the token of a flow, in one transaction. Wake the worker afterwards.
 *
 * @throws AppError UNAUTHENTICATED FLOW_HOOK_NOT_PROVEN, INVALID_ARGUMENT
 */
export async function receiveHook(
  em: EntityManager,
  parts: EngineParts,
  request: ReceiveFlowHookRequest,
): Promise<ReceiveFlowHookResponse> {
  return withConnection(em, async (client) => {
    await client.query('begin');
    const flow = await flowOfToken(client, request.token);
    // Only of a known sender: an unknown one does not have its body read.
    const body = readBody(request.body?.data ?? new Uint8Array());
    const response = await startForHook(client, parts, flow, { request, body });
    await client.query('commit');
    return response;
  });
}

/** A token has 256 random bits, so a fast hash hides it. */
export function hashOfToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** The flow that has the token; the transaction has its tenant from then on. */
async function flowOfToken(client: ClientBase, token: string): Promise<ActiveFlow> {
  const { rows } = await client.query<{ tenantId: string; flowId: string }>({
    name: 'find_flow_hook',
    text: 'select tenant_id as "tenantId", flow_id as "flowId" from flow_hook where token_hash = $1',
    values: [hashOfToken(token)],
  });
  const [found] = rows;
  const flows = found ? await activeFlows(client, found.tenantId) : [];
  const flow = flows.find(({ flowId }) => flowId === found?.flowId);
  if (flow?.definition.trigger?.webhook) return flow;
  const message = 'The token is unknown or was replaced, or its flow has no active version with the trigger `webhook`.';
  throw new AppError('UNAUTHENTICATED', 'FLOW_HOOK_NOT_PROVEN', message);
}

function readBody(bytes: Uint8Array): Json {
  if (bytes.length === 0) return null;
  const body = parsed(bytes);
  if (depthWithin(body, maxDepth)) return body;
  throw invalidArgument([{ field: 'body', reason: 'TOO_DEEP', description: `has more than ${maxDepth} levels` }]);
}

function parsed(bytes: Uint8Array): Json {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as Json;
  } catch (cause) {
    if (!(cause instanceof SyntaxError || cause instanceof TypeError)) throw cause;
    throw invalidArgument([{ field: 'body', reason: 'JSON_INVALID', description: 'is not JSON' }]);
  }
}

/** Level by level, so that no nesting overflows the stack. */
function depthWithin(value: Json, most: number): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    const nested = level.filter((each): each is object => typeof each === 'object' && each !== null);
    if (nested.length > 0 && depth === most) return false;
    level = nested.flatMap((each): unknown[] => Object.values(each));
  }
  return true;
}

async function startForHook(
  client: ClientBase,
  parts: EngineParts,
  flow: ActiveFlow,
  { request, body }: { request: ReceiveFlowHookRequest; body: Json },
): Promise<ReceiveFlowHookResponse> {
  const { tenantId, flowId, version, definition, publishedBy } = flow;
  const hookKey = request.requestId === undefined ? undefined : hashOfToken(request.requestId);
  const known = hookKey && (await runOfKey(client, flow, hookKey));
  if (known !== undefined) return { runId: known, reason: undefined };
  const hop = hopOf(request);
  const run: NewRun = {
    ...{ tenantId, flowId, version, definition, principalId: publishedBy, hop, chain: [] },
    cause: { kind: 'WEBHOOK', time: new Date().toISOString() },
    ...(hookKey && { hookKey }),
    values: { input: { body } },
  };
  const expressions = new Expressions(parts.versions.typed(definition));
  const refused = refusal(flow, run, expressions);
  if (refused !== undefined) return { runId: undefined, reason: refused };
  const [outcome] = await startRuns(client, { ...parts, expressions }, [run]);
  if (!outcome) throw new Error('A wanted run has no outcome.');
  return 'runId' in outcome
    ? { runId: outcome.runId, reason: undefined }
    : { runId: undefined, reason: outcome.suppressed };
}

/** The run that an earlier call with the key has started. Concurrent calls with it wait for each other. */
async function runOfKey(
  client: ClientBase,
  { tenantId, flowId }: ActiveFlow,
  hookKey: Buffer,
): Promise<string | undefined> {
  const lock = `flow_hook ${flowId} ${hookKey.toString('hex')}`;
  await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [lock]);
  const { rows } = await client.query<{ id: string }>({
    name: 'find_flow_run_of_hook',
    text: 'select id from flow_run where tenant_id = $1 and flow_id = $2 and hook_key = $3',
    values: [tenantId, flowId, hookKey],
  });
  return rows[0]?.id;
}

/** Automatic steps before the run: steps `http` of flows count theirs. */
function hopOf({ headers }: ReceiveFlowHookRequest): number {
  const sent = headers.find(({ name }) => name === hopHeader)?.value ?? '';
  return /^\d{1,3}$/.test(sent) ? Number(sent) + 1 : 0;
}

function refusal({ state, definition }: ActiveFlow, run: NewRun, expressions: Expressions): string | undefined {
  if (state !== 'ACTIVE') return 'PAUSED';
  if (run.hop > maxHops) return 'HOP_LIMIT';
  const { condition } = definition;
  if (condition === undefined) return undefined;
  return expressions.isTrue(condition, { ...run.values, now: new Date(run.cause.time) }) ? undefined : 'CONDITION';
}
