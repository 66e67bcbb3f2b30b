import { useMutation, useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { ProblemNote } from '../../../app/boundaries.tsx';
import { format, labels, language, t } from '../../../app/language.ts';
import { useMay } from '../../../app/resource.ts';
import { Bar, Scroll } from '../../../app/shell/shell.tsx';
import { call, invalidate, queryClient, readQuery } from '../../../contract/api.ts';
import { textAt, type Json } from '../../../contract/json.ts';
import { Crumbs } from '../../../kit/crumbs.tsx';
import { Segments } from '../../../kit/form/segments.tsx';
import { MenuItem } from '../../../kit/overlay.tsx';
import { StateChip, useActs, type StateAct } from '../../../kit/record/states.tsx';
import { Button, Chip, icons, join, text } from '../../../kit/ui.tsx';
import { durationText } from '../../reports/report-rows.ts';
import { RecordMenu } from '../../../kit/record/record-menu.tsx';
import style from './monitor.module.css';
import { Ledger } from './ledger.tsx';
import { campaignTones, countOf, isMoving, recipientStates, useTallies, type Tally } from './recipients.ts';
import { Results } from './results.tsx';

/** What can be done with a campaign in each of its states. */
const acts: readonly StateAct[] = [
  { verb: 'pauseCampaign', icon: icons.CirclePause, states: ['PREPARING', 'SENDING'] },
  { verb: 'resumeCampaign', icon: icons.Play, states: ['PAUSED'] },
];
const rareActs: readonly StateAct[] = [
  { verb: 'cancelCampaign', icon: icons.SquareX, states: ['PREPARING', 'SENDING', 'PAUSED'] },
  {
    verb: 'resendCampaign',
    icon: icons.RotateCcw,
    states: ['SENDING', 'PAUSED', 'DONE'],
    body: { states: ['FAILED'] },
  },
];

/** A campaign that was started: how far it is, every recipient with a state, and what came of it. */
export default function CampaignMonitor({ campaign }: { campaign: Json }) {
  const id = textAt(campaign, 'id');
  const [view, setView] = useState<'ledger' | 'results'>(isMoving(campaign) ? 'ledger' : 'results');
  const [only, setOnly] = useState('');
  const { tallies, time } = useTallies(campaign);
  useFollowed(campaign);
  const act = useMutation({
    mutationFn: async ({ verb, body }: StateAct) => {
      await call(verb, { id }, { ifMatch: '*', ...(body && { body }) });
      await Promise.all([invalidate('campaigns'), invalidate('campaignRecipients')]);
    },
  });
  const account = useQuery({ ...readQuery('accountCampaign', { id }, false), gcTime: 0 });
  return (
    <>
      <MonitorBar campaign={campaign} onAct={act.mutate} onAccount={() => void account.refetch()} />
      <Scroll>
        <div className={style.monitor}>
          <ProblemNote error={act.error ?? account.error} />
          <Progress {...{ campaign, tallies, time }} />
          <States tallies={tallies} only={only} onChoose={(state) => (setOnly(state), setView('ledger'))} />
          {account.data && <Account account={account.data} />}
          <span>
            <Segments
              label={t('campaign.view')}
              value={view}
              onChange={setView}
              options={(['ledger', 'results'] as const).map((each) => ({ id: each, name: t(`campaign.view.${each}`) }))}
            />
          </span>
          {view === 'ledger' ? (
            <Ledger campaignId={id} state={only} />
          ) : (
            <Results campaign={campaign} tallies={tallies} />
          )}
        </div>
      </Scroll>
    </>
  );
}

/** Reads a campaign again while it is sent: its end is announced by a change, its counts are not. */
function useFollowed(campaign: Json): void {
  const isActive = isMoving(campaign);
  const id = textAt(campaign, 'id');
  useEffect(() => {
    if (!isActive) return undefined;
    const timer = setInterval(() => void queryClient.invalidateQueries(readQuery('getCampaign', { id })), 5_000);
    return () => clearInterval(timer);
  }, [isActive, id]);
}

interface MonitorBarProps {
  campaign: Json;
  onAct: (act: StateAct) => void;
  onAccount: () => void;
}

function MonitorBar({ campaign, onAct, onAccount }: MonitorBarProps) {
  const may = useMay();
  const [usual, rare] = [useActs(acts, campaign), useActs(rareActs, campaign)];
  return (
    <Bar
      title={<Crumbs resource="campaigns" title={textAt(campaign, 'name')} />}
      beside={<StateChip record={campaign} of="CampaignState" tones={campaignTones} />}
    >
      <RecordMenu resource="campaigns" id={textAt(campaign, 'id')}>
        {rare.map((act) => (
          <MenuItem key={act.verb} icon={act.icon} onAction={() => onAct(act)}>
            {t(`campaign.act.${act.verb}`)}
          </MenuItem>
        ))}
      </RecordMenu>
      {may('accountCampaign') && (
        <Button icon={icons.Scale} onPress={onAccount}>
          {t('campaign.account')}
        </Button>
      )}
      {usual.map((act) => (
        <Button key={act.verb} kind="primary" icon={act.icon} onPress={() => onAct(act)}>
          {t(`campaign.act.${act.verb}`)}
        </Button>
      ))}
    </Bar>
  );
}

/** The share of the recipients that is settled, how fast it goes, and until when. */
function Progress({ campaign, tallies, time }: { campaign: Json; tallies: readonly Tally[]; time: number }) {
  const all = tallies.reduce((sum, { count }) => sum + count, 0);
  const waiting = countOf(tallies, 'PLANNED', 'CLAIMED');
  const sent = countOf(tallies, 'HANDED_OVER', 'BOUNCED', 'COMPLAINED');
  const rate = useRate(sent, time, isMoving(campaign));
  const [startTime, doneTime] = [textAt(campaign, 'startTime'), textAt(campaign, 'doneTime')];
  const said = [
    startTime !== '' && t('campaign.startedAt', { time: format.time(startTime) }),
    doneTime !== '' && t('campaign.doneAt', { time: format.time(doneTime) }),
    rate > 0 && t('campaign.rate', { count: Math.round(rate * 60) }),
    rate > 0 && waiting > 0 && t('campaign.left', { time: durationText(waiting / rate, language) }),
  ];
  return (
    <section className={text.stack} aria-label={t('campaign.progress')}>
      <p className={join(text.row, text.wrap)} aria-live="polite">
        <span className={text.figure}>{format.number(sent)}</span>
        <span>{t('campaign.sentOf', { count: all })}</span>
        <span className={text.grow} />
        <span className={text.meta}>{said.filter((each) => each !== false).join(' · ')}</span>
      </p>
      <div
        className={style.bar}
        role="img"
        aria-label={t('campaign.settled', { share: format.percent(all === 0 ? 0 : 1 - waiting / all) })}
      >
        {recipientStates.map(({ state, color }) => (
          <span key={state} style={{ flexGrow: countOf(tallies, state), background: `var(${color})` }} />
        ))}
      </div>
      {textAt(campaign, 'stateReason') !== '' && (
        <p className={text.row}>
          <Chip tone="warn" icon={icons.TriangleAlert}>
            {textAt(campaign, 'stateReason')}
          </Chip>
        </p>
      )}
    </section>
  );
}

/** E-mails a second of the last minute: the average of all of its run would hide a relay that has slowed down. */
function useRate(sent: number, time: number, isActive: boolean): number {
  const [first, setFirst] = useState({ sent, time, rate: 0 });
  const rate = time - first.time < 2_000 ? first.rate : ((sent - first.sent) / (time - first.time)) * 1_000;
  if (first.time === 0 ? time > 0 : time - first.time > 60_000)
    setFirst({ sent, time, rate: first.time === 0 ? 0 : rate });
  return isActive ? rate : 0;
}

interface StatesProps {
  tallies: readonly Tally[];
  only: string;
  onChoose: (state: string) => void;
}

/** Every state with its number of recipients. A press shows those in the ledger. */
function States({ tallies, only, onChoose }: StatesProps) {
  return (
    <ul className={style.states} aria-label={labels.field('CampaignRecipient', 'state')}>
      {recipientStates.map(({ state, color }) => {
        const count = countOf(tallies, state);
        return (
          <li key={state}>
            <button
              type="button"
              aria-pressed={only === state}
              disabled={count === 0}
              onClick={() => onChoose(only === state ? '' : state)}
            >
              <span>
                <i style={{ background: `var(${color})` }} />
                {labels.value('RecipientState', state)}
              </span>
              <b>{format.number(count)}</b>
            </button>
          </li>
        );
      })}
    </ul>
  );
}

/** Whether every member of the audience is one recipient in one state. */
function Account({ account }: { account: Json }) {
  const number = (name: string) => Number(account[name] ?? 0);
  const said =
    account.balanced === true
      ? t('campaign.balanced', { count: number('audience') })
      : t('campaign.unbalanced', {
          missing: number('missing'),
          extra: number('extra'),
          inconsistent: number('inconsistent'),
        });
  return (
    <p role="status">
      <Chip
        tone={account.balanced === true ? 'good' : 'danger'}
        icon={account.balanced === true ? icons.Scale : icons.TriangleAlert}
      >
        {said}
      </Chip>
    </p>
  );
}
