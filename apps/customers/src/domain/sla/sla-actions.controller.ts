import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import {
  SlaActionsServiceService as Methods,
  type ActivateSlaPolicyRequest,
  type ActivateSlaPolicyResponse,
  type ExplainTicketSlaRequest,
  type ExplainTicketSlaResponse,
  type RetireSlaPolicyRequest,
  type SimulateSlaPolicyRequest,
  type SimulateSlaPolicyResponse,
  type SlaActionsServiceServer,
  type VerifySlaTimerRequest,
  type VerifySlaTimerResponse,
} from '@rapport/contracts/rapport/support/v1/sla_actions_service';
import type { SlaPolicy } from '@rapport/contracts/rapport/support/v1/sla_policy';
import { hotWriteCall } from '../../engine/records/write-call.js';
import { checkMayRead } from '../../engine/query/filter/compile-filter.js';
import { tickets } from '../tickets/tickets.js';
import { activateSlaPolicy, retireSlaPolicy } from './activate-policy.js';
import { simulateSlaPolicy } from './simulate-policy.js';
import { explainTicketSla, verifySlaTimer } from './verify-timer.js';

@Controller()
@ImplementsService(Methods)
export class SlaActionsController implements ServiceHandlers<SlaActionsServiceServer> {
  constructor(private readonly em: EntityManager) {}

  activateSlaPolicy(request: ActivateSlaPolicyRequest): Promise<ActivateSlaPolicyResponse> {
    return hotWriteCall(this.em, Methods.activateSlaPolicy, request, (transaction) =>
      activateSlaPolicy(transaction, request),
    );
  }

  retireSlaPolicy(request: RetireSlaPolicyRequest): Promise<SlaPolicy> {
    return hotWriteCall(this.em, Methods.retireSlaPolicy, request, (transaction) =>
      retireSlaPolicy(transaction, request),
    );
  }

  simulateSlaPolicy(request: SimulateSlaPolicyRequest): Promise<SimulateSlaPolicyResponse> {
    // Counts reveal what tickets contain.
    checkMayRead(tickets);
    return this.em.transactional((em) => simulateSlaPolicy(em, request));
  }

  explainTicketSla({ id }: ExplainTicketSlaRequest): Promise<ExplainTicketSlaResponse> {
    // So do the filters that a ticket meets.
    checkMayRead(tickets);
    return this.em.transactional((em) => explainTicketSla(em, id));
  }

  verifySlaTimer({ id }: VerifySlaTimerRequest): Promise<VerifySlaTimerResponse> {
    return this.em.transactional((em) => verifySlaTimer(em, id));
  }
}
