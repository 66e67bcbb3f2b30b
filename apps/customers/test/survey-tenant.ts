import { Survey } from '@rapport/contracts/rapport/support/v1/survey';
import type { SurveyResponse } from '@rapport/contracts/rapport/support/v1/survey_response';
import { MailTenant } from './mail-tenant.js';
import type { SharedCustomers } from './running-customers.js';
import { TicketTenant } from './ticket-tenant.js';

/** A tenant of its own with tickets, a mailbox and surveys. */
export class SurveyTenant {
  readonly tickets: TicketTenant;

  private constructor(
    readonly service: SharedCustomers,
    readonly mail: MailTenant,
  ) {
    this.tickets = new TicketTenant(service, mail.caller);
  }

  static async create(service: SharedCustomers): Promise<SurveyTenant> {
    return new SurveyTenant(service, await MailTenant.create(service));
  }

  get caller() {
    return this.mail.caller;
  }

  createSurvey(given: Partial<Survey> = {}): Promise<Survey> {
    const survey = newSurvey(given);
    return this.service.call('createSurvey', { survey }, this.caller);
  }

  async responses(): Promise<SurveyResponse[]> {
    return (await this.service.call('listSurveyResponses', { pageSize: 100 }, this.caller)).surveyResponses;
  }

  /** A solved ticket. @param customerId a new one by default */
  async solveNew(customerId?: string): Promise<string> {
    const { id } = await this.tickets.createTicket(customerId ?? (await this.tickets.createRequester()));
    await this.service.call('solveTicket', { id }, this.caller);
    return id;
  }

  /** The token in a queued mail about a survey. */
  async nextToken(): Promise<string> {
    const [claimed] = await this.mail.claim(1);
    return /\/s\/([\w-]{43})/.exec(claimed?.message?.text ?? '')?.[1] ?? '';
  }
}

/** A survey as a request has it. */
export function newSurvey(given: Partial<Survey> = {}): Survey {
  return { ...Survey.decode(new Uint8Array()), name: 'After each request', question: 'Are you satisfied?', ...given };
}
