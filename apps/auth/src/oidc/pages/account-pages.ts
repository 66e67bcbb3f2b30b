import type { EntityManager } from '@mikro-orm/postgresql';
import type { InvitationAcceptance } from '@rapport/contracts/rapport/auth/v1/users_service';
import { AppError, type FieldViolation } from '@rapport/platform';
import type { Context, Middleware } from 'koa';
import type { PasswordResets } from '../../sign-in/password-resets.js';
import type { PasswordHasher } from '../../sign-in/passwords/password-hasher.js';
import { acceptInvitation, findInvitation } from '../../users/accept-invitation.js';
import { sendPage, type Page } from '../look/page.js';
import { problemsOf, refusalOf, type FormRules } from './form-rules.js';
import { foreignFormPage } from './error-page.js';
import {
  completedPage,
  invitationPage,
  invalidLinkPage,
  passwordResetPage,
  type Submission,
} from './mailed-form-pages.js';
import { isOwnForm, readForm } from './read-form.js';

/** Values of the forms. Only the invitation has a name. */
type Values = InvitationAcceptance;

/** A form that a link in a mail opens. */
interface MailedForm {
  /** Full gRPC path of the same operation in the API, and the name of its body. */
  operation: string;
  body: string;
  /** @throws AppError INVALID_ARGUMENT for an invalid token */
  show: (values: Values, submission: Submission) => Promise<Page>;
  complete: (values: Values) => Promise<Page>;
}

export interface AccountPagesOptions {
  issuer: string;
  rules: FormRules;
  /** Without a tenant: the token in the link contains it. */
  em: EntityManager;
  passwordHasher: PasswordHasher;
  passwordResets: PasswordResets;
}

/**
 * The pages behind the links in mails. GET changes nothing, since mail programs follow links. Other sites cannot post the forms: they do
 * not know the token, and the Origin header of the browser must match.
 */
export class AccountPages {
  readonly #forms: Readonly<Record<string, MailedForm>>;

  constructor(private readonly options: AccountPagesOptions) {
    this.#forms = {
      '/oauth/invitation': this.#invitation(),
      '/oauth/password-reset': this.#passwordReset(),
    };
  }

  readonly middleware: Middleware = async (context, next) => {
    const form = this.#forms[context.path];
    if (!form) return void (await next());
    if (context.method === 'GET') {
      const values = readValues(new URLSearchParams(context.querystring));
      return sendPage(context, await this.#show(form, values, { problems: {}, status: 200 }));
    }
    if (context.method !== 'POST') return context.throw(405, { headers: { allow: 'GET, POST' } });
    if (!isOwnForm(context, this.options.issuer)) return sendPage(context, foreignFormPage());
    const values = readValues(new URLSearchParams(await readForm(context.req)));
    sendPage(context, await this.#complete(context, form, values));
  };

  async #complete(context: Context, form: MailedForm, values: Values): Promise<Page> {
    try {
      const violations = this.#violations(form, values);
      return violations.length > 0
        ? await this.#show(form, values, { problems: problemsOf(violations), status: 400 })
        : await form.complete(values);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      if (error.code === 'INVALID_ARGUMENT') {
        return this.#show(form, values, { problems: problemsOf(error.violations), status: 400 });
      }
      if (error.code !== 'RESOURCE_EXHAUSTED') throw error;
      context.set('retry-after', String(error.retryAfterSeconds ?? 1));
      return this.#show(form, values, { problems: {}, problem: refusalOf(error), status: 429 });
    }
  }

  /** The form, or a page about the invalid link. */
  async #show(form: MailedForm, values: Values, submission: Submission): Promise<Page> {
    if (this.#violations(form, values).some(isOfToken)) return invalidLinkPage();
    return form.show(values, submission).catch((error: unknown) => {
      if (error instanceof AppError && error.violations.some(isOfToken)) return invalidLinkPage();
      throw error;
    });
  }

  #violations({ operation, body }: MailedForm, values: Values): FieldViolation[] {
    return this.options.rules.violations(operation, { [body]: values });
  }

  #invitation(): MailedForm {
    const { em, passwordHasher } = this.options;
    return {
      operation: '/rapport.auth.v1.UsersService/AcceptInvitation',
      body: 'acceptance',
      show: async ({ token, displayName }, submission) => {
        const { invited, tenantName } = await findInvitation(em, token);
        const name = displayName ?? invited.displayName;
        return invitationPage({ token, email: invited.email, displayName: name, tenantName }, submission);
      },
      complete: async (values) => {
        await acceptInvitation(em, passwordHasher, values);
        return completedPage(({ invitation }) => invitation.done);
      },
    };
  }

  #passwordReset(): MailedForm {
    const { passwordResets } = this.options;
    return {
      operation: '/rapport.auth.v1.AccountService/ResetPassword',
      body: 'reset',
      show: async ({ token }, submission) => {
        const { user } = await passwordResets.find(token);
        return passwordResetPage({ token, email: user.email }, submission);
      },
      complete: async (values) => {
        await passwordResets.complete(values);
        return completedPage(({ reset }) => reset.done);
      },
    };
  }
}

function readValues(fields: URLSearchParams): Values {
  const read = (name: string) => fields.get(name) ?? '';
  return { token: read('token'), password: read('password'), displayName: fields.get('displayName')?.trim() };
}

function isOfToken({ field }: FieldViolation): boolean {
  return field.endsWith('.token');
}
