import {
  RelaySecurity,
  RelayState,
  type Relay as RelayMessage,
  type RelayDkim,
  type RelayRampUp,
} from '@rapport/contracts/rapport/mail/v1/relays_service';
import { formatEtag } from '@rapport/persistence';
import { credentialsMessage } from '../mail-credentials.js';
import { dkimRecord } from './dkim-key.js';
import { rampDayAt, type RampUp } from './ramp-up.js';
import type { Relay, StoredDkim } from './relay.entity.js';

export function relayMessage(relay: Relay): RelayMessage {
  const { id, name, host, port, signIn, dkim } = relay;
  return {
    ...{ id, name, host, port, security: RelaySecurity[relay.security] },
    credentials: signIn ? credentialsMessage(signIn) : undefined,
    ...{ maxConnections: relay.maxConnections, maxPerConnection: relay.maxPerConnection },
    maxPerMinute: relay.maxPerMinute,
    dkim: dkim ? dkimMessage(dkim) : undefined,
    ...{ state: RelayState[relay.state], stateReason: relay.stateReason ?? undefined },
    etag: formatEtag(relay.version),
    ...{ createTime: relay.createTime.toISOString(), updateTime: relay.updateTime.toISOString() },
    ...{ createdBy: relay.createdBy, updatedBy: relay.updatedBy },
    rampUp: relay.rampUp ? rampUpMessage(relay.rampUp, relay) : undefined,
  };
}

function rampUpMessage(rampUp: RampUp, { rampDay, rampUsed }: Relay): RelayRampUp {
  const { day, limit } = rampDayAt(rampUp, new Date());
  return { ...rampUp, limitToday: limit, sentToday: rampDay === day ? (rampUsed ?? 0) : 0 };
}

function dkimMessage({ domain, key, nextKey }: StoredDkim): RelayDkim {
  return {
    domain,
    selector: key?.selector,
    record: key && dkimRecord(domain, key),
    nextRecord: nextKey && dkimRecord(domain, nextKey),
  };
}
