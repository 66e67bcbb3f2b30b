import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import { ConsentState } from '@rapport/contracts/rapport/customers/v1/consents_service';
import type { Lead } from '@rapport/contracts/rapport/sales/v1/lead';
import {
  LeadWorkServiceService as Methods,
  type DisqualifyLeadRequest,
  type IntakeLeadRequest,
  type IntakeLeadResponse,
  type LeadWorkServiceServer,
  type QualifyLeadRequest,
  type QualifyLeadResponse,
  type ReopenLeadRequest,
} from '@rapport/contracts/rapport/sales/v1/lead_work_service';
import { allows, AppError, currentCaller, permissionMissing } from '@rapport/platform';
import { hotWriteCall } from '../../engine/records/write-call.js';
import { TenantFrequencies } from '../customers/merges/tenant-frequencies.js';
import { claimsEnded } from '../suppressions/opt-out-lock.js';
import { SuppressionKey } from '../suppressions/suppression-key.js';
import { intakeLead } from './intake-lead.js';
import { ownerOfValues, probableDuplicate, type Matched } from './match-customer.js';
import { disqualifyLead, qualifyLead, reopenLead } from './qualify-lead.js';

/** Most attempts of an intake whose values other calls take meanwhile. */
const maxAttempts = 5;

@Controller()
@ImplementsService(Methods)
export class LeadWorkController implements ServiceHandlers<LeadWorkServiceServer> {
  private readonly frequencies = new TenantFrequencies();

  constructor(
    private readonly em: EntityManager,
    private readonly suppressionKey: SuppressionKey,
  ) {}

  async intakeLead(request: IntakeLeadRequest): Promise<IntakeLeadResponse> {
    requirePermissions('customers.read', 'customers.write');
    const key = await this.suppressionKey.of(this.em);
    for (let attempt = 1; ; attempt += 1) {
      // Before the transaction, since the search takes a connection of its own.
      const probable = await this.#probable(request);
      try {
        const answer = await hotWriteCall(this.em, Methods.intakeLead, request, (transaction) =>
          intakeLead(transaction, request, { probable, key }),
        );
        if (answer.consents.some(({ state }) => state === ConsentState.WITHDRAWN)) await claimsEnded(this.em);
        return answer;
      } catch (error) {
        // Another call has created a customer with one of the values: the next attempt finds it.
        const isLostRace = error instanceof AppError && error.code === 'ALREADY_EXISTS' && hasOwner(error);
        if (!isLostRace || attempt === maxAttempts) throw error;
      }
    }
  }

  qualifyLead(request: QualifyLeadRequest): Promise<QualifyLeadResponse> {
    requirePermissions('deals.read', 'deals.write');
    return hotWriteCall(this.em, Methods.qualifyLead, request, (transaction) => qualifyLead(transaction, request));
  }

  disqualifyLead(request: DisqualifyLeadRequest): Promise<Lead> {
    return hotWriteCall(this.em, Methods.disqualifyLead, request, (transaction) =>
      disqualifyLead(transaction, request),
    );
  }

  reopenLead(request: ReopenLeadRequest): Promise<Lead> {
    return hotWriteCall(this.em, Methods.reopenLead, request, (transaction) => reopenLead(transaction, request));
  }

  async #probable({ intake }: IntakeLeadRequest): Promise<Matched | undefined> {
    if (!intake?.customer || (await ownerOfValues(this.em, intake.customer))) return undefined;
    return probableDuplicate(this.em, this.frequencies, intake.customer, intake.minScore);
  }
}

/** The owner of the customer values is known to the caller, so it can be matched. */
function hasOwner({ metadata }: AppError): boolean {
  return metadata['customerId'] !== undefined;
}

/** @throws AppError PERMISSION_DENIED that names the first one that the caller lacks */
function requirePermissions(...needed: string[]): void {
  const missing = needed.find((permission) => !allows(currentCaller().permissions, permission));
  if (missing !== undefined) throw permissionMissing(missing);
}
