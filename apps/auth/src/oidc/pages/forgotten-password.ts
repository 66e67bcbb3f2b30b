import { Injectable } from '@nestjs/common';
import { AppError } from '@rapport/platform';
import { PasswordResets } from '../../sign-in/password-resets.js';
import { FormRules, problemsOf } from './form-rules.js';
import type { Visit } from './visit.js';
import { forgottenPasswordPage, linkSentPage } from './forgotten-password-page.js';
import { sendPage } from './page.js';
import { readForm } from './read-form.js';

/** What the contract says of the same by REST. There a workspace tells the tenant, here the client does. */
const operation = '/rapport.auth.v1.AccountService/RequestPasswordReset';

/** Has somebody who signs in sent a link by which a password can be chosen. */
@Injectable()
export class ForgottenPassword {
  constructor(
    private readonly rules: FormRules,
    private readonly resets: PasswordResets,
  ) {}

  show(visit: Visit): void {
    sendPage(visit.context, forgottenPasswordPage(visit, ''));
  }

  async send(visit: Visit): Promise<void> {
    const { context, tenantId } = visit;
    const email = new URLSearchParams(await readForm(context.req)).get('email')?.trim() ?? '';
    const problem = problemsOf(this.rules.violations(operation, { account: { workspace: '-', email } }))['email'];
    if (problem !== undefined) return sendPage(context, forgottenPasswordPage(visit, email.slice(0, 254), problem));
    try {
      await this.resets.requestOf(tenantId, email);
      sendPage(context, linkSentPage(visit));
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'RESOURCE_EXHAUSTED') throw error;
      context.set('retry-after', String(error.retryAfterSeconds ?? 1));
      sendPage(context, forgottenPasswordPage(visit, email, error.message, 429));
    }
  }
}
