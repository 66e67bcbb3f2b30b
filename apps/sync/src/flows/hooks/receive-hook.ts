import { createHash } from 'node:crypto';
import type { EntityManager } from '@mikro-orm/postgresql';
import type {
  ReceiveFlowHookRequest,
  ReceiveFlowHookResponse,
} from '@rapport/contracts/rapport/flows/v1/flow_hooks_service';
import { withConnection } from '@rapport/persistence';
import { AppError } from '@rapport/platform';
import type { ClientBase } from 'pg';
import { activeFlows, type ActiveFlow } from '../definitions/active-flows.js';
import { readJson } from '../definitions/read-json.js';
import { hopHeader, runHeader } from '../effects/http-effect.js';
import type { Json } from '../effects/effect-port.js';
import { provenRun } from '../effects/run-proof.js';
import { Expressions } from '../interpreter/expressions.js';
import type { ChainLink, NewRun } from '../runs/new-run.js';
import { startRuns } from '../runs/start-runs.js';
import { causeChains } from '../triggers/cause-chains.js';
import { maxHops } from '../triggers/loop-brake.js';
import { secretOf } from '../secrets/find-secret.js';
import type { EngineParts } from '../worker/engine-parts.js';
import { signedCallId } from './hook-signature.js';

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
    const key = await keyOfCall(client, parts, flow, request);
    // Only of a known sender: an unknown one does not have its body read.
    const body = readBody(request.body?.data ?? new Uint8Array(), 'body');
    const response = await startForHook(client, parts, flow, { request, key, body });
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
  throw notProven();
}

/** UNAUTHENTICATED with all possible reasons: naming the actual one would reveal too much. */
function notProven(): AppError {
  const message =
    'The token is unknown or was replaced, its flow has no active version with the trigger `webhook`, or the call is not signed with its secret.';
  return new AppError('UNAUTHENTICATED', 'FLOW_HOOK_NOT_PROVEN', message);
}

/**
 * The key under which a call starts one run. The `Idempotency-Key` of a signed call is not signed, so its `webhook-id` counts.
 *
 * @throws AppError UNAUTHENTICATED for a call without the signature that the flow needs
 */
async function keyOfCall(
  client: ClientBase,
  { envelope }: EngineParts,
  { tenantId, definition }: ActiveFlow,
  { body, headers, requestId }: ReceiveFlowHookRequest,
): Promise<string | undefined> {
  const secretName = definition.trigger?.webhook?.secretName;
  if (secretName === undefined) return requestId;
  const secret = await secretOf(client, envelope, tenantId, secretName);
  const id = secret && signedCallId(secret, { headers, body: body?.data ?? new Uint8Array() });
  if (id === undefined || id === '') throw notProven();
  return id;
}

/** @param field of the body in the request. @throws AppError INVALID_ARGUMENT */
export function readBody(bytes: Uint8Array, field: string): Json {
  return readJson(bytes, field, maxDepth) as Json;
}

async function startForHook(
  client: ClientBase,
  parts: EngineParts,
  flow: ActiveFlow,
  { request, key, body }: { request: ReceiveFlowHookRequest; key: string | undefined; body: Json },
): Promise<ReceiveFlowHookResponse> {
  const { tenantId, flowId, version, definition, publishedBy } = flow;
  const hookKey = key === undefined ? undefined : hashOfToken(key);
  const known = hookKey && (await runOfKey(client, flow, hookKey));
  if (known !== undefined) return { runId: known, reason: undefined };
  const [hop, chain] = [hopOf(request), await chainOf(client, parts, tenantId, request)];
  const run: NewRun = {
    ...{ tenantId, flowId, version, definition, principalId: publishedBy, hop, chain },
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

/** The runs of the tenant that led to the call; none for a call of another system, or another tenant. */
async function chainOf(
  client: ClientBase,
  { envelope }: EngineParts,
  tenantId: string,
  { headers }: ReceiveFlowHookRequest,
): Promise<readonly ChainLink[]> {
  const proof = headers.find(({ name }) => name === runHeader)?.value;
  const causationId = proof === undefined ? undefined : provenRun(envelope, tenantId, proof);
  if (causationId === undefined) return [];
  const change = { causationId };
  return (await causeChains(client, tenantId, [change])).of(change);
}

function refusal({ state, definition }: ActiveFlow, run: NewRun, expressions: Expressions): string | undefined {
  if (state !== 'ACTIVE') return 'PAUSED';
  if (run.hop > maxHops) return 'HOP_LIMIT';
  const { condition } = definition;
  if (condition === undefined) return undefined;
  return expressions.isTrue(condition, { ...run.values, now: new Date(run.cause.time) }) ? undefined : 'CONDITION';
}
