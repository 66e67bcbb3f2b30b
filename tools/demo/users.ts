import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Browser } from '@rapport/testing';
import { apiOf, type Api } from './api.ts';
import type { Demo, DemoPlatform, DemoUser } from './demo.ts';
import story from './story.json' with { type: 'json' };

/** A signed-in user: what it does is attributed to it. */
export interface Actor {
  id: string;
  api: Api;
}

/** What the scenes of the story share. */
export interface Scene {
  /** The administrator, by the key of the demo. */
  admin: Api;
  /** The user whose name has this part. */
  actor: (name: string) => Actor;
  /** The id of a record such as `customers/Nordlys Energi A/S`. */
  id: (record: string) => string;
}

const redirectUri = 'https://kestrel.example/signed-in';
const permissions = [
  ...['account.read', 'customers.read', 'customers.write', 'deals.read', 'deals.write', 'files.read', 'files.write'],
  'views.write',
];

/** Invites a user, and accepts the invitation with the link of its mail, as a person would. */
export async function inviteUser(
  api: Api,
  { mailDir }: Pick<DemoPlatform, 'mailDir'>,
  { email, name, password }: DemoUser,
  roleIds: string[],
  more: object = {},
): Promise<string> {
  const { id } = await api('POST', '/v1/users', { email, displayName: name, roleIds, ...more });
  await api('POST', '/v1/invitations:accept', { token: await invitationFor(mailDir, email), password });
  return id;
}

/** The token of the newest mail to an address. */
async function invitationFor(mailDir: string, email: string): Promise<string> {
  // Names begin with the time.
  for (const file of (await readdir(mailDir)).sort().reverse()) {
    const mail = await readFile(join(mailDir, file), 'utf8');
    const token = /token=([\w-]+)/.exec(mail)?.[1];
    if (mail.includes(`To: ${email}\n`) && token !== undefined) return token;
  }
  throw new Error(`There is no invitation for ${email}.`);
}

/** Makes the teams, the roles, and all users but the administrator, and signs those in who write records. */
export async function makeUsers(
  api: Api,
  platform: DemoPlatform,
  demo: Demo,
  signal: AbortSignal,
): Promise<Map<string, Actor>> {
  const create = async (path: string, body: { displayName: string }) =>
    [body.displayName, (await api('POST', path, body)).id] as const;
  const [teams, roles, client, { users }] = await Promise.all([
    Promise.all(story.teams.map((displayName) => create('/v1/teams', { displayName }))).then((all) => new Map(all)),
    Promise.all(story.roles.map((role) => create('/v1/roles', role))).then((all) => new Map(all)),
    makeClient(api),
    api<{ users: { id: string }[] }>('GET', '/v1/users'),
  ]);
  const signedIn = demo.users.map(async (user, index) => {
    const { team, locale } = story.users[index]!;
    const more = { locale, ...(team !== undefined && { teamId: teams.get(team) }) };
    const admin = index === 0 ? users[0]?.id : undefined;
    if (admin !== undefined) await api('PATCH', `/v1/users/${admin}`, more);
    const id = admin ?? (await inviteUser(api, platform, user, [roles.get(user.role) ?? user.role], more));
    // One user only reads, and has nothing to do in the story.
    const token = user.role === 'read-only' ? undefined : await signIn(demo.url, client, user);
    return token === undefined ? [] : [[user.name, { id, api: apiOf(demo.url, token, signal) }] as const];
  });
  return new Map((await Promise.all(signedIn)).flat());
}

interface Client {
  clientId: string;
  secret: string;
}

/** The app through which users sign in. */
function makeClient(api: Api): Promise<Client> {
  return api<Client>('POST', '/v1/oauthClients', {
    displayName: 'Kestrel mobile app',
    confidential: true,
    redirectUris: [redirectUri],
    grantTypes: ['AUTHORIZATION_CODE', 'REFRESH_TOKEN'],
    permissions,
  });
}

/** An access token of a user, who signs in and consents on the pages. */
async function signIn(url: string, { clientId, secret }: Client, { email, password }: DemoUser): Promise<string> {
  const verifier = randomBytes(32).toString('base64url');
  const query = new URLSearchParams({
    ...{ client_id: clientId, redirect_uri: redirectUri, response_type: 'code', scope: permissions.join(' ') },
    ...{ code_challenge: createHash('sha256').update(verifier).digest('base64url'), code_challenge_method: 'S256' },
    state: randomBytes(16).toString('base64url'),
  });
  const browser = new Browser(url);
  const page = await browser.visit(`${url}/oauth/authorize?${query.toString()}`);
  const asked = await browser.submit(page, '/sign-in', { email, password });
  const { url: callback } = await browser.submit(asked, '/consent');
  const response = await fetch(`${url}/oauth/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${clientId}:${secret}`)}` },
    body: new URLSearchParams({
      ...{ grant_type: 'authorization_code', redirect_uri: redirectUri, code_verifier: verifier },
      code: new URL(callback).searchParams.get('code') ?? '',
    }),
  });
  const answer = (await response.json()) as { access_token?: string };
  if (answer.access_token === undefined) throw new Error(`${email} could not sign in: ${JSON.stringify(answer)}`);
  return answer.access_token;
}
