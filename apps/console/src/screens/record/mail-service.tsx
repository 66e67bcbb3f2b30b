import { useMutation } from '@tanstack/react-query';
import { ProblemNote } from '../../app/boundaries.tsx';
import { labels, t } from '../../app/language.ts';
import { call, invalidate } from '../../contract/api.ts';
import { theContract } from '../../contract/contract.ts';
import { itemsAt, textAt, type Json } from '../../contract/json.ts';
import { Button, Chip, icons, text, type IconType } from '../../kit/ui.tsx';
import { Snippet } from '../operation/answer.tsx';
import { curlOf } from '../operation/snippets.ts';
import type { Item } from './item.ts';
import { Panel } from './panel.tsx';
import style from './record.module.css';

/** What is done with a mailbox or a relay: a look whether it works, and what stops it. */
const acts: readonly { verb: string; icon: IconType; states?: readonly string[]; kind?: string; body?: Json }[] = [
  { verb: 'testMailbox', icon: icons.Plug, kind: 'IMAP' },
  { verb: 'testRelay', icon: icons.Plug },
  { verb: 'checkRelayDns', icon: icons.Globe },
  { verb: 'pauseMailbox', icon: icons.CirclePause, states: ['ACTIVE', 'FAILING', 'REAUTH'] },
  { verb: 'resumeMailbox', icon: icons.Play, states: ['PAUSED', 'REAUTH'] },
  { verb: 'reconcileMailbox', icon: icons.Scale, kind: 'IMAP', body: {} },
];

/** The state of a mailbox or a relay, with the buttons that test it. Nothing for another record. */
export function MailService({ item }: { item: Item }) {
  const { id, now, resource, may } = item;
  const run = useMutation({
    mutationFn: async ({ verb, body }: { verb: string; body?: Json }) => {
      const answer = await call(verb, { id }, { ...(body && { body }) });
      await invalidate(resource.name);
      return { verb, answer };
    },
  });
  const state = textAt(now, 'state');
  const own = acts.filter(({ verb }) => resource.verbs.includes(verb) && may(verb));
  if (!['mailboxes', 'relays'].includes(resource.name)) return null;
  return (
    <Panel title={t('mail.state')}>
      <div className={text.stack}>
        <p className={`${text.row} ${text.wrap}`}>
          <Chip tone={state === 'ACTIVE' ? 'good' : state === 'PAUSED' ? 'quiet' : 'danger'}>
            {labels.value(resource.name === 'relays' ? 'RelayState' : 'MailboxState', state)}
          </Chip>
          {textAt(now, 'stateReason') !== '' && <span>{textAt(now, 'stateReason')}</span>}
          {textAt(now, 'lagSeconds') !== '' && (
            <span className={text.meta}>{t('mail.lag', { count: Number(textAt(now, 'lagSeconds')) })}</span>
          )}
        </p>
        <p className={style.buttons}>
          {own
            .filter(
              ({ states, kind }) =>
                (states?.includes(state) ?? true) && (kind ?? textAt(now, 'kind')) === textAt(now, 'kind'),
            )
            .map(({ verb, icon, body }) => (
              <Button
                key={verb}
                small
                icon={icon}
                isPending={run.isPending}
                onPress={() => run.mutate({ verb, ...(body && { body }) })}
              >
                {t(`mail.${verb}`)}
              </Button>
            ))}
        </p>
        {textAt(now, 'kind') === 'API' && (
          <>
            <p className={text.two}>{t('mail.handOver')}</p>
            <Snippet text={handOver(id)} />
          </>
        )}
        <div aria-live="polite">
          {run.isPending && <p className={text.meta}>{t('mail.running')}</p>}
          <ProblemNote error={run.error} />
          {run.data?.verb === 'checkRelayDns' && !run.isPending && <DnsOutcome answer={run.data.answer} />}
          {run.data && run.data.verb !== 'checkRelayDns' && !run.isPending && <Outcome {...run.data} />}
        </div>
      </div>
    </Panel>
  );
}

/** A command line that hands a mail over to a mailbox. */
function handOver(id: string): string {
  const file = new File([], 'mail.eml', { type: 'message/rfc822' });
  const parameters = { id, deliveryId: 'ID-1' };
  return curlOf({ operation: theContract().operation('receiveMail'), parameters, file });
}

const dnsTones: Readonly<Record<string, 'good' | 'warn'>> = { PASSED: 'good', UNSURE: 'warn', UNANSWERED: 'warn' };

const dnsKinds = ['spf', 'dkim', 'nextDkim', 'dmarc'] as const;

/** What was found of the DNS records of each domain, and what is wrong with them. */
function DnsOutcome({ answer }: { answer: Json }) {
  const domains = itemsAt(answer, 'domains');
  if (domains.length === 0) return <p className={text.two}>{t('mail.noDomains')}</p>;
  return domains.map((checks, at) => (
    <section key={at} className={style.dns} aria-label={textAt(checks, 'domain')}>
      <h3>{textAt(checks, 'domain')}</h3>
      <dl>
        {dnsKinds
          .filter((kind) => checks[kind] !== undefined)
          .map((kind) => (
            <DnsLine key={kind} kind={kind} check={checks[kind] as Json} />
          ))}
      </dl>
    </section>
  ));
}

function DnsLine({ kind, check }: { kind: (typeof dnsKinds)[number]; check: Json }) {
  const [state, reason] = [textAt(check, 'state'), textAt(check, 'reason')];
  const value = textAt(check, 'value');
  return (
    <>
      <dt className={text.row}>
        <span>{labels.field('SendingDomain', kind)}</span>
        <Chip tone={dnsTones[state] ?? 'danger'}>{labels.value('DnsCheckState', state)}</Chip>
      </dt>
      <dd>
        {reason !== '' && <p>{t(`mail.dns.${reason}`)}</p>}
        <p className={text.meta}>{textAt(check, 'name')}</p>
        {value !== '' && <code>{value}</code>}
      </dd>
    </>
  );
}

/** What a test or a comparison found, in a sentence. */
function Outcome({ verb, answer }: { verb: string; answer: Json }) {
  const isGood = answer.succeeded !== false && answer.equal !== false;
  return (
    <p className={text.row}>
      <Chip tone={isGood ? 'good' : 'danger'} icon={isGood ? icons.CircleCheckBig : icons.TriangleAlert}>
        {saidOf(verb, answer, isGood)}
      </Chip>
      <span className={text.meta}>{textAt(answer, 'description') || textAt(answer, 'reason')}</span>
    </p>
  );
}

function saidOf(verb: string, answer: Json, isGood: boolean): string {
  if (verb === 'testMailbox')
    return t('mail.folders', { count: (answer.folders as unknown[] | undefined)?.length ?? 0 });
  if (verb !== 'reconcileMailbox') return t(isGood ? 'mail.works' : 'mail.fails');
  const sum = (name: string) =>
    itemsAt(answer, 'folders').reduce(
      (count, folder) => count + ((folder[name] as unknown[] | undefined)?.length ?? 0),
      0,
    );
  return isGood ? t('mail.equal') : t('mail.unequal', { missing: sum('missing'), extra: sum('extra') });
}
