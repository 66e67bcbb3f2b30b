import type { Api } from './api.ts';
import type { DemoRelay } from './demo-relay.ts';

type Record = Readonly<{ id: string }>;

/** Visits before are those of scanners, which follow links as soon as a mail arrives. */
const readingMs = 11_000;

const guests = `/v1/customers?pageSize=60&orderBy=createTime&filter=${encodeURIComponent('kind = PERSON')}`;

const body = `<h1>The spring catalogue</h1><p>Dear {{ customer.givenName }},</p>
<p>Our new vibration sensors are here: <a href="https://kestrel.example/catalogue">see the catalogue</a>, or
<a href="https://kestrel.example/visit">ask for a visit</a>.</p>
<p><a href="{{ preferencesUrl }}">What you get from us</a> · <a href="{{ unsubscribeUrl }}">Unsubscribe</a></p>`;

/**
 * Campaigns in several states, and submissions of a form.
 *
 * @param meanwhile what happens between the hand-over of the mails and the clicks
 */
export async function makeCampaigns(
  api: Api,
  { url, relay, signal }: { url: string; relay: DemoRelay; signal: AbortSignal },
  meanwhile: () => Promise<void>,
): Promise<void> {
  const mails: string[] = [];
  relay.onMail = (mail) => mails.push(mail);
  try {
    const needs = await makeNeeds(api, relay);
    await submitForm(api, url);
    const id = await sendCatalogue(api, needs);
    await until(signal, async () => (await api<{ state: string }>('GET', `/v1/campaigns/${id}`)).state === 'DONE');
    await draftOffers(api, needs);
    const sentTime = Date.now();
    await meanwhile();
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, sentTime + readingMs - Date.now())));
    await followLinks(mails, signal);
  } finally {
    relay.onMail = () => undefined;
  }
}

interface Needs {
  mailboxId: string;
  segmentId: string;
  templateId: string;
}

async function makeNeeds(api: Api, relay: DemoRelay): Promise<Needs> {
  const { id: relayId } = await api('POST', '/v1/relays', relay.settings);
  const mailbox = { address: 'news@kestrel.example', displayName: 'Kestrel News', kind: 'SEND_ONLY', relayId };
  const { id: mailboxId } = await api('POST', '/v1/mailboxes', mailbox);
  const people = (await api<{ customers: Record[] }>('GET', guests)).customers;
  const segment = { key: 'fair_guests', name: 'Guests of the fair', kind: 'STATIC', description: 'Who left a card' };
  const { id: segmentId } = await api('POST', '/v1/segments', segment);
  await api('POST', `/v1/segments/${segmentId}:addMembers`, { customerIds: people.map(({ id }) => id) });
  const template = {
    key: 'catalogue',
    name: 'Catalogue',
    kind: 'EMAIL',
    format: 'HTML',
    subject: 'Our spring catalogue',
  };
  const { id: templateId } = await api('POST', '/v1/templates', { ...template, body });
  await api('POST', `/v1/templates/${templateId}:publish`);
  return { mailboxId, segmentId, templateId };
}

/** Two variants, to the readers of the newsletter among the guests. */
async function sendCatalogue(api: Api, { mailboxId, segmentId, templateId }: Needs): Promise<string> {
  const subjects = ['Our spring catalogue', '12 new sensors for spring'];
  const variants = subjects.map((subject, index) => ({ key: 'ab'[index], templateId, subject }));
  const { id } = await api('POST', '/v1/campaigns', {
    ...{ name: 'Spring catalogue', goal: '10 visits', topicKey: 'newsletter', mailboxId, variants, tracksClicks: true },
    includeSegmentIds: [segmentId],
  });
  await until(undefined, () => api('POST', `/v1/campaigns/${id}:start`).then(() => true, isNotReady));
  return id;
}

/** The service that starts campaigns learns of a new mailbox a moment later. */
function isNotReady(error: Error): false {
  if (error.message.includes('MAILBOX_UNKNOWN')) return false;
  throw error;
}

async function draftOffers(api: Api, { mailboxId, segmentId, templateId }: Needs): Promise<void> {
  const variants = ['a', 'b'].map((key) => ({ key, templateId, subject: `Offer ${key.toUpperCase()} of the month` }));
  const test = { sharePercent: 20, metric: 'CLICK', waitSeconds: 14_400 };
  await api('POST', '/v1/campaigns', {
    ...{ name: 'Offers of the month', topicKey: 'offers', mailboxId, variants, test, throttlePerMinute: 600 },
    includeSegmentIds: [segmentId],
  });
}

/** Visitors subscribe on a site of ours, whose form leads here. The confirmations go to the relay too. */
async function submitForm(api: Api, url: string): Promise<void> {
  const { token } = await api<{ token: string }>('POST', '/v1/forms', {
    ...{
      key: 'newsletter',
      name: 'Newsletter',
      state: 'ACTIVE',
      topicKeys: ['newsletter'],
      proof: 'NONE',
      minSeconds: 0,
    },
    fields: [
      { key: 'email', label: 'E-mail', isRequired: true, customerField: 'email' },
      { key: 'name', label: 'Your name', customerField: 'displayName' },
    ],
    texts: [{ locale: 'en', title: 'News of our instruments', button: 'Subscribe' }],
  });
  for (const [index, name] of ['Lena Vogt', 'Pavel Novák', 'Aoife Byrne'].entries()) {
    const email = `${name.split(' ')[0]!.toLowerCase()}@reader.example`;
    const values = { email, name, ...(index < 2 && { _topic_newsletter: 'true' }) };
    await fetch(`${url}/f/${token}`, { method: 'POST', body: new URLSearchParams(values) });
  }
}

/** Some readers follow a link, as a browser does. A moment of reading lies between hand-over and click. */
async function followLinks(mails: readonly string[], signal: AbortSignal): Promise<void> {
  const links = mails.flatMap((mail, index) => {
    const html = mail.replaceAll('=\r\n', '').replaceAll('=3D', '=');
    // A link without content is the trap for scanners.
    const [first, second] = [...html.matchAll(/href="([^"]+\/c\/[^"]+)"[^>]*>[^<\s]/g)].map(([, link]) => link);
    return index % 3 === 0 ? (first ?? []) : index % 7 === 0 ? (second ?? []) : [];
  });
  const headers = { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0' };
  const visit = (link: string) => fetch(link, { redirect: 'manual', headers, signal });
  await Promise.all(links.map(visit));
}

async function until(signal: AbortSignal | undefined, isTrue: () => Promise<boolean>): Promise<void> {
  while (!(await isTrue())) {
    signal?.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
