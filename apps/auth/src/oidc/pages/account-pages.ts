import type { EntityManager } from '@mikro-orm/postgresql';
import type { InvitationAcceptance } from '@rapport/contracts/rapport/auth/v1/users_service';
import { AppError, type FieldViolation } from '@rapport/platform';
import type { Context, Middleware } from 'koa';
import type { PasswordResets } from '../../sign-in/password-resets.js';
import type { PasswordHasher } from '../../sign-in/passwords/password-hasher.js';
import { acceptInvitation, findInvitation } from '../../users/accept-invitation.js';
import { problemsOf, type FormRules } from './form-rules.js';
import { foreignFormPage } from './error-page.js';
import { donePage, invitationPage, linkOverPage, passwordResetPage, type Typed } from './mailed-form-pages.js';
import { sendPage, type Page } from './page.js';
import { isOwnForm, readForm } from './read-form.js';

/** What is sent with the forms; the name is that of who accepts an invitation. */
type Values = InvitationAcceptance;

/** A form that the link of a mail leads to. */
interface MailedForm {
  /** Full gRPC path of the operation that does the same, and the name of what it takes. */
  operation: string;
  body: string;
  /** @throws AppError INVALID_ARGUMENT for a token that is not good */
  show: (values: Values, typed: Typed) => Promise<Page>;
  complete: (values: Values) => Promise<Page>;
}

export interface AccountPagesOptions {
  issuer: string;
  rules: FormRules;
  /** Of no tenant: the token of a mail says which. */
  em: EntityManager;
  passwordHasher: PasswordHasher;
  passwordResets: PasswordResets;
}

/**
 * The pages that the links in mails lead to. Looking at one changes nothing, since programs that read mail follow links. Another
 * site can post no form: it does not know the token, and browsers say where a form comes from.
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
      return this.#show(form, values, { problems: {}, problem: error.message, status: 429 });
    }
  }

  /** The form as it is to be filled in, unless the token is not good. */
  async #show(form: MailedForm, values: Values, typed: Typed): Promise<Page> {
    if (this.#violations(form, values).some(isOfToken)) return linkOverPage();
    return form.show(values, typed).catch((error: unknown) => {
      if (error instanceof AppError && error.violations.some(isOfToken)) return linkOverPage();
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
      show: async ({ token, displayName }, typed) => {
        const { invited, tenantName } = await findInvitation(em, token);
        const name = displayName ?? invited.displayName;
        return invitationPage({ token, email: invited.email, displayName: name, tenantName }, typed);
      },
      complete: async (values) => {
        await acceptInvitation(em, passwordHasher, values);
        return donePage('Your account is ready');
      },
    };
  }

  #passwordReset(): MailedForm {
    const { passwordResets } = this.options;
    return {
      operation: '/rapport.auth.v1.AccountService/ResetPassword',
      body: 'reset',
      show: async ({ token }, typed) => {
        const { user } = await passwordResets.find(token);
        return passwordResetPage({ token, email: user.email }, typed);
      },
      complete: async (values) => {
        await passwordResets.complete(values);
        return donePage('Your password is changed');
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
