import { Injectable } from '@nestjs/common';
import { AppError, cutText } from '@rapport/platform';
import type { Texts } from '../../sign-in/texts/texts.js';
import { PasswordResets } from '../../sign-in/password-resets.js';
import { sendPage, textsOf } from '../look/page.js';
import { FormRules, problemsOf, refusalOf } from './form-rules.js';
import type { InteractionRequest } from './interaction-request.js';
import { forgottenPasswordPage, linkSentPage } from './forgotten-password-page.js';
import { readForm } from './read-form.js';

/** The same operation in the API, whose rules apply. In the API the workspace identifies the tenant, here the client does. */
const operation = '/rapport.auth.v1.AccountService/RequestPasswordReset';

/** Sends a password reset link from the sign-in page. */
@Injectable()
export class ForgottenPassword {
  constructor(
    private readonly rules: FormRules,
    private readonly resets: PasswordResets,
  ) {}

  show(request: InteractionRequest): void {
    sendPage(request.context, forgottenPasswordPage(request, ''));
  }

  async send(request: InteractionRequest): Promise<void> {
    const { context, tenant } = request;
    const form = new URLSearchParams(await readForm(context.req));
    const email = form.get('email')?.trim() ?? '';
    const workspace = cutText(form.get('workspace')?.trim() ?? '', 63);
    const again = { ...request, workspace };
    const { htmlLang } = textsOf(context);
    const problem = problemsOf(this.rules.violations(operation, { account: { workspace: '-', email } }))['email'];
    if (problem !== undefined) {
      const inWords = ({ violation }: Texts) => violation(problem);
      return sendPage(context, forgottenPasswordPage(again, cutText(email, 254), inWords));
    }
    try {
      if (tenant) await this.resets.requestOf(tenant.id, email, htmlLang);
      else await this.resets.request({ workspace, email }, htmlLang);
      sendPage(context, linkSentPage(request));
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'RESOURCE_EXHAUSTED') throw error;
      context.set('retry-after', String(error.retryAfterSeconds ?? 1));
      sendPage(context, forgottenPasswordPage(again, email, refusalOf(error), 429));
    }
  }
}
