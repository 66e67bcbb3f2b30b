import { LockMode, type EntityManager } from '@mikro-orm/postgresql';
import { readMask, type Updatable } from '@rapport/contracts';
import {
  RelaySecurity,
  type CreateRelayRequest,
  type DeleteRelayRequest,
  type Relay as RelayMessage,
  type RelayDkim,
  type RelayRampUp,
  type RotateDkimRequest,
  type RotateDkimResponse,
  type UpdateRelayRequest,
} from '@rapport/contracts/rapport/mail/v1/relays_service';
import { checkEtag, queryRows, recordAuditEvent } from '@rapport/persistence';
import { AppError, currentCaller, invalidArgument, type AuditKind, type ViolationCode } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';
import { readCredentials } from '../mail-credentials.js';
import { dkimRecord, makeDkimKey, readDkimKey } from './dkim-key.js';
import type { RampUp } from './ramp-up.js';
import { relayMessage } from './relay-message.js';
import { openRelaySecrets, sealRelaySecrets } from './relay-secrets.js';
import { Relay, type RelaySecrets } from './relay.entity.js';

const maxRelays = 20;

const defaultPorts = { STARTTLS: 587, TLS: 465, NONE: 25 } as const;

type RelayField =
  | 'name'
  | 'host'
  | 'port'
  | 'security'
  | 'credentials'
  | 'maxConnections'
  | 'maxPerConnection'
  | 'maxPerMinute'
  | 'dkim'
  | 'rampUp';

const updatableRelay: Updatable<RelayField> = {
  name: 'relay',
  noun: 'a relay',
  fields: [
    ...(['name', 'host', 'port', 'security', 'credentials'] as const),
    ...(['maxConnections', 'maxPerConnection', 'maxPerMinute', 'dkim', 'rampUp'] as const),
  ],
  fixed: Object.fromEntries(
    ['id', 'state', 'stateReason', 'etag', 'createTime', 'updateTime', 'createdBy', 'updatedBy'].map((field) => [
      field,
      'OUTPUT_ONLY' as const,
    ]),
  ),
};

/** What writes of relays need besides a transaction. */
export interface RelayParts {
  envelope: SecretEnvelope;
  /** Whether a URL may be called, as that of the checked client. */
  mayCall: (url: URL) => boolean;
}

/** Handles CreateRelay. Like all functions here, it runs in a transaction. */
export async function createRelay(
  em: EntityManager,
  parts: RelayParts,
  request: CreateRelayRequest,
): Promise<RelayMessage> {
  const wanted = sent(request);
  const { tenantId, principalId } = currentCaller();
  await checkRoom(em, tenantId);
  const now = new Date();
  const relay = em.create(Relay, {
    ...{ tenantId, id: uuidv7(), sealedSecrets: Buffer.alloc(0), state: 'ACTIVE' as const },
    ...settings(wanted),
    rampUp: wanted.rampUp ? readRampUp(wanted.rampUp, now) : null,
    ...{ version: 1, createTime: now, updateTime: now, createdBy: principalId, updatedBy: principalId },
  });
  const secrets = { ...setSignIn(relay, parts, wanted), ...(await setDkim(relay, wanted.dkim, {})) };
  relay.sealedSecrets = sealRelaySecrets(parts.envelope, relay, secrets);
  checkServer(relay, parts);
  await em.flush();
  await note(em, 'RELAY_CREATED', relay);
  return relayMessage(relay);
}

export async function updateRelay(
  em: EntityManager,
  parts: RelayParts,
  request: UpdateRelayRequest,
): Promise<RelayMessage> {
  const changes = sent(request);
  const mask = readMask(request.updateMask, updatableRelay);
  const relay = await findRelay(em, request.id, LockMode.PESSIMISTIC_WRITE);
  checkEtag(request.etag, relay.version);
  const before = { ...relayMessage(relay) };
  const named = Object.fromEntries(mask.map((field) => [field, changes[field]]));
  const wanted: RelayMessage = { ...before, ...named };
  em.assign(relay, settings(wanted));
  checkDestination(relay, before, mask);
  let secrets = openRelaySecrets(parts.envelope, relay);
  if (mask.includes('credentials')) {
    const { dkimKey, nextDkimKey } = secrets;
    secrets = { ...setSignIn(relay, parts, wanted), ...(dkimKey && { dkimKey }), ...(nextDkimKey && { nextDkimKey }) };
  }
  if (mask.includes('dkim')) {
    const { dkimKey: _key, nextDkimKey: _next, ...ofSignIn } = secrets;
    secrets = { ...ofSignIn, ...(await setDkim(relay, changes.dkim, secrets)) };
  }
  if (mask.includes('rampUp')) {
    relay.rampUp = changes.rampUp ? readRampUp(changes.rampUp, new Date(), relay.rampUp) : null;
  }
  relay.sealedSecrets = sealRelaySecrets(parts.envelope, relay, secrets);
  checkServer(relay, parts);
  // A changed relay is tried again.
  stamp(em, relay, { state: 'ACTIVE', stateReason: null });
  await em.flush();
  await note(em, 'RELAY_CHANGED', relay, { fields: mask });
  return relayMessage(relay);
}

export async function deleteRelay(em: EntityManager, request: DeleteRelayRequest): Promise<void> {
  const relay = await findRelay(em, request.id, LockMode.PESSIMISTIC_WRITE);
  checkEtag(request.etag, relay.version);
  const using = await queryRows(em, {
    sql: 'select from mailbox where tenant_id = $1 and relay_id = $2 limit 1',
    values: [relay.tenantId, relay.id],
  });
  if (using.length > 0) throw new AppError('FAILED_PRECONDITION', 'RELAY_IN_USE', 'A mailbox sends by the relay.');
  em.remove(relay);
  await em.flush();
  await note(em, 'RELAY_DELETED', relay);
}

export async function rotateDkim(
  em: EntityManager,
  { envelope }: RelayParts,
  { id, rotation, etag }: RotateDkimRequest,
): Promise<RotateDkimResponse> {
  const relay = await findRelay(em, id, LockMode.PESSIMISTIC_WRITE);
  checkEtag(etag, relay.version);
  if (!relay.dkim) throw new AppError('FAILED_PRECONDITION', 'DKIM_NOT_CONFIGURED', 'The relay has no DKIM domain.');
  const secrets = openRelaySecrets(envelope, relay);
  const { domain, key, nextKey } = relay.dkim;
  if (rotation?.activate) {
    const { nextDkimKey, ...others } = secrets;
    if (!nextKey || nextDkimKey === undefined) {
      throw new AppError('FAILED_PRECONDITION', 'DKIM_KEY_MISSING', 'The relay has no new key to activate.');
    }
    relay.dkim = { domain, key: nextKey };
    relay.sealedSecrets = sealRelaySecrets(envelope, relay, { ...others, dkimKey: nextDkimKey });
  } else {
    const made = await makeDkimKey();
    relay.dkim = { domain, ...(key && { key }), nextKey: made.key };
    relay.sealedSecrets = sealRelaySecrets(envelope, relay, { ...secrets, nextDkimKey: made.privateKey });
  }
  stamp(em, relay, {});
  await em.flush();
  const changed = relay.dkim.nextKey ?? relay.dkim.key;
  await note(em, 'RELAY_DKIM_ROTATED', relay, { selector: changed?.selector, isActive: rotation?.activate === true });
  return { record: changed && dkimRecord(domain, changed) };
}

/** @throws AppError NOT_FOUND, also for a relay of another tenant */
export async function findRelay(em: EntityManager, id: string, lockMode: LockMode = LockMode.NONE): Promise<Relay> {
  const relay = await em.findOne(Relay, { tenantId: currentCaller().tenantId, id }, { lockMode });
  if (relay) return relay;
  throw new AppError('NOT_FOUND', 'RELAY_NOT_FOUND', 'There is no such relay.');
}

function sent({ relay }: { relay?: RelayMessage | undefined }): RelayMessage {
  if (relay) return relay;
  throw invalidArgument([{ field: 'relay', reason: 'REQUIRED', description: 'is required' }]);
}

function settings(wanted: RelayMessage) {
  const security = securityOf(wanted.security);
  return {
    ...{ name: wanted.name, host: wanted.host.toLowerCase(), security },
    port: wanted.port || defaultPorts[security],
    ...{ maxConnections: wanted.maxConnections || 2, maxPerConnection: wanted.maxPerConnection || 100 },
    maxPerMinute: wanted.maxPerMinute,
  };
}

function securityOf(security: RelaySecurity): Relay['security'] {
  if (security === RelaySecurity.TLS) return 'TLS';
  return security === RelaySecurity.NONE ? 'NONE' : 'STARTTLS';
}

/** Secrets are not sent to another server than the one that they were given for. */
function checkDestination(relay: Relay, before: RelayMessage, mask: readonly RelayField[]): void {
  if (!before.credentials || mask.includes('credentials')) return;
  const isSame =
    relay.host === before.host && relay.port === before.port && RelaySecurity[relay.security] === before.security;
  if (!isSame) throw refused('credentials', 'REQUIRED', 'is required with another server');
}

/** Only hosts that the operator allows are called without encryption. */
function checkServer({ host, security }: Relay, { mayCall }: RelayParts): void {
  if (security !== 'NONE' || mayCall(new URL(`http://${host.includes(':') ? `[${host}]` : host}`))) return;
  throw refused('security', 'NOT_ALLOWED', 'must be TLS or STARTTLS, because the operator does not allow the host');
}

function setSignIn(relay: Relay, { mayCall }: RelayParts, { credentials }: RelayMessage): RelaySecrets {
  if (!credentials) {
    relay.signIn = null;
    return {};
  }
  if (relay.security === 'NONE') throw refused('credentials', 'NOT_ALLOWED', 'is not sent without encryption');
  const { signIn, secrets } = readCredentials(credentials, 'relay.credentials', mayCall);
  relay.signIn = signIn;
  return secrets;
}

/** @returns the keys of the relay, after a change of its DKIM settings */
async function setDkim(relay: Relay, dkim: RelayDkim | undefined, before: RelaySecrets): Promise<RelaySecrets> {
  if (!dkim) {
    relay.dkim = null;
    return {};
  }
  const domain = dkim.domain.toLowerCase();
  if (dkim.privateKey === undefined) {
    const { dkimKey, nextDkimKey } = before;
    // The keys of a domain stay, whatever else is sent.
    if (relay.dkim?.domain === domain) return { ...(dkimKey && { dkimKey }), ...(nextDkimKey && { nextDkimKey }) };
    const made = await makeDkimKey();
    relay.dkim = { domain, nextKey: made.key };
    return { nextDkimKey: made.privateKey };
  }
  if (dkim.selector === undefined) throw refused('dkim.selector', 'REQUIRED', 'is required with a key');
  const given = readDkimKey(dkim.selector, dkim.privateKey);
  if (!given)
    throw refused('dkim.privateKey', 'INVALID', 'must be an RSA key of 2048 to 4096 bits or an Ed25519 key, in PEM');
  relay.dkim = { domain, key: given.key };
  return { dkimKey: given.privateKey };
}

/** @throws AppError INVALID_ARGUMENT */
function readRampUp(wanted: RelayRampUp, now: Date, before?: RampUp | null): RampUp {
  const { firstPerDay, growthPercent, untilPerDay, startTime = before?.startTime ?? now.toISOString() } = wanted;
  if (untilPerDay > firstPerDay) {
    return { firstPerDay, growthPercent, untilPerDay, startTime: new Date(startTime).toISOString() };
  }
  throw refused('rampUp.untilPerDay', 'OUT_OF_RANGE', 'must be larger than firstPerDay');
}

function refused(field: string, reason: ViolationCode, description: string): AppError {
  return invalidArgument([{ field: `relay.${field}`, reason, description }]);
}

function stamp(em: EntityManager, relay: Relay, changes: Partial<Relay>): void {
  const { principalId } = currentCaller();
  em.assign(relay, { ...changes, version: relay.version + 1, updateTime: new Date(), updatedBy: principalId });
}

/** Serializes the creation of a tenant's relays, so that the count includes concurrent ones. */
async function checkRoom(em: EntityManager, tenantId: string): Promise<void> {
  await em.execute('select pg_advisory_xact_lock(hashtextextended(?, 0))', [`relay ${tenantId}`]);
  if ((await em.count(Relay, { tenantId })) < maxRelays) return;
  throw new AppError('RESOURCE_EXHAUSTED', 'RELAY_LIMIT', `A workspace has at most ${maxRelays} relays.`);
}

async function note(em: EntityManager, kind: AuditKind, { id, host }: Relay, more: object = {}): Promise<void> {
  await recordAuditEvent(em, { kind, records: [`relay/${id}`], detail: { host, ...more } });
}
