import { BreakerState, ChangeLogState, type ServiceStatus } from '@rapport/contracts/rapport/edge/v1/traffic_service';
import type { InvalidationSources } from '../cache/answer-store.js';
import type { ServiceClients } from '../calls/service-clients.js';

const breakerStates = { closed: BreakerState.CLOSED, open: BreakerState.OPEN, halfOpen: BreakerState.HALF_OPEN };

/** The state of each service, as this edge sees it: words, because the numbers are those of all tenants. */
export function serviceStatuses(
  clients: Pick<ServiceClients, 'breakerStates'>,
  sources: Pick<InvalidationSources, 'hasFeed' | 'isFeedSilent'>,
): ServiceStatus[] {
  return clients.breakerStates().map(([service, state]) => ({
    service,
    breaker: breakerStates[state],
    changeLog: sources.hasFeed(service) ? changeLogState(sources.isFeedSilent(service)) : undefined,
  }));
}

function changeLogState(isSilent: boolean): ChangeLogState {
  return isSilent ? ChangeLogState.DELAYED : ChangeLogState.CURRENT;
}
