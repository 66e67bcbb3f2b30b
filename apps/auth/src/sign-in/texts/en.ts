import type { FieldViolation } from '@rapport/platform';

/** The English texts of pages and mails. Each other language has the same ones. */
export const en = {
  htmlLang: 'en',
  /** What the language calls itself. */
  name: 'English',
  poster: {
    line: 'Every change has a position.',
    caption: 'Rapport keeps one log for every record, so any moment can be read again.',
  },
  fields: {
    workspace: 'Workspace',
    email: 'E-mail address',
    password: 'Password',
    newPassword: 'New password',
    passwordHint: 'At least 8 characters. A few unrelated words are secure and easy to remember.',
    displayName: 'Your name',
    code: 'Code of your authenticator app',
    codeHint: 'if you use one',
  },
  signIn: {
    title: 'Sign in',
    again: 'Sign in: please try again',
    heading: (where: string) => `Sign in to ${where}`,
    continueTo: (client: string) => `to continue to ${client}`,
    submit: 'Sign in',
    cancel: 'Cancel',
    forgotten: 'Forgot your password?',
  },
  consent: {
    title: 'Allow access',
    heading: (client: string, tenant: string) => `Allow ${client} to use ${tenant}?`,
    lead: 'It requests to act for you, within your rights, and only to:',
    identity: 'verify your identity',
    offline: 'continue while you are signed out',
    allow: 'Allow',
    cancel: 'Cancel',
  },
  forgotten: {
    title: 'Forgotten password',
    heading: (where: string | undefined) =>
      where === undefined ? 'Choose a new password' : `Choose a new password for ${where}`,
    lead: 'We send a link to the e-mail address that you sign in with.',
    submit: 'Send the link',
    back: 'Back to sign in',
    sent: 'Check your mail',
    sentLead: 'If an account with this address exists, we have sent a mail. Its link is valid for one hour.',
    sentNote: 'No mail after a few minutes? Check the spam folder, or ask your admin.',
  },
  invitation: {
    title: 'Accept your invitation',
    heading: (tenant: string) => `Welcome to ${tenant}`,
    lead: (email: string) => `You have been invited as ${email}. Choose a password to sign in with.`,
    submit: 'Accept the invitation',
    done: 'Your account is ready',
  },
  reset: {
    title: 'Choose a new password',
    lead: (email: string) => `For ${email}. This signs you out everywhere. Then sign in with the new password.`,
    submit: 'Save the password',
    done: 'Your password is changed',
  },
  done: 'You can close this page and sign in from the app that you want to use.',
  invalidLink: {
    title: 'This link no longer works',
    lead: 'It was used, has expired, or was replaced by a newer one.',
    note: 'If you forgot your password, request another link on the sign-in page. If you were invited, ask your admin for a new invitation.',
  },
  signOut: {
    title: 'Sign out',
    heading: 'Do you want to sign out?',
    lead: 'Apps that you use in this browser will ask you to sign in again.',
    submit: 'Sign out',
    note: 'To stay signed in, close this page.',
    done: 'You are signed out',
    doneLead: 'You can close this page.',
  },
  failed: {
    title: 'Request failed',
    lead: 'The app that sent you here made an invalid request. Go back to it and try again.',
    forDevelopers: (fault: string) => `For its developers: ${fault}`,
  },
  expired: {
    title: 'This page has expired',
    lead: 'It took too long, or is already complete. Go back to the app that sent you here and start again.',
  },
  /** The title of a page whose form has a fault. */
  pleaseCorrect: (title: string) => `${title}: please correct`,
  /** Sentences for refused forms, by reason. */
  refusals: {
    CREDENTIALS_WRONG: 'The e-mail address, the password or the code is wrong.',
    WORKSPACE_OR_CREDENTIALS_WRONG: 'The workspace, the e-mail address, the password or the code is wrong.',
    CODE_NEEDED: 'Enter your password again, and the code of your authenticator app.',
    TOO_MANY_ATTEMPTS: 'Too many attempts. Try again later.',
    PASSWORD_CHECKS_BUSY: 'Too many sign-ins at once. Try again in a few seconds.',
  } as Readonly<Record<string, string>>,
  /** A sentence for a field with a fault. */
  violation: ({ description }: FieldViolation): string => `This ${description.replace(/\.?$/, '.')}`,
  mails: {
    invitation: (user: string, tenant: string, url: string) => ({
      subject: `Your invitation to ${tenant}`,
      text: `Hello ${user},

you have been invited to ${tenant} on Rapport. Choose a password within 7 days:

${url}

If you did not expect this invitation, ignore this mail.
`,
    }),
    passwordReset: (user: string, url: string) => ({
      subject: 'Reset your Rapport password',
      text: `Hello ${user},

we received a request to reset your password. This link is valid for one hour:

${url}

If you did not request it, ignore this mail.
`,
    }),
  },
};

export type Texts = typeof en;
