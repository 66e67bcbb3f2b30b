import { useQuery } from '@tanstack/react-query';
import { format, labels, t } from '../../../app/language.ts';
import { useMay } from '../../../app/resource.ts';
import { call } from '../../../contract/api.ts';
import { itemsAt, textAt, valueAt, type Json } from '../../../contract/json.ts';
import type { Draft } from '../../../kit/form/use-draft.ts';
import { Icon, icons } from '../../../kit/ui.tsx';
import { useFirst } from '../../../kit/form/choices.ts';
import style from '../marketing.module.css';

/** One thing that is looked at; the key of a variant for its template. */
export interface Checked {
  key: string;
  /** What is `wrong` keeps a campaign from starting; `open` is not known yet. */
  state: 'good' | 'wrong' | 'open' | 'note';
  said: string;
}

const stateIcons = { good: icons.CircleCheckBig, wrong: icons.TriangleAlert, open: icons.Circle, note: icons.Info };

/** What must be right before a campaign starts, from who gets it to when. */
export function Checklist({ checks }: { checks: readonly Checked[] }) {
  return (
    <section aria-label={t('check.title')}>
      <h2>{t('check.title')}</h2>
      <ul className={style.checks} aria-live="polite">
        {checks.map(({ key, state, said }) => (
          <li key={key} data-state={state}>
            <Icon of={stateIcons[state]} />
            <span>{said}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

export function useChecks(campaign: Json | undefined, draft: Draft): Checked[] {
  const { shown } = draft;
  const segments = useFirst('segments');
  const topics = useFirst('topics');
  const mailboxes = useFirst('mailboxes');
  const templates = useFirst('templates', { filter: 'kind = EMAIL' });
  const estimate = useEstimate(campaign, !draft.isEdited);
  return [
    savedCheck(draft),
    audienceCheck(shown, segments, estimate),
    ...mailableCheck(estimate),
    foundCheck('topic', topics, 'key', textAt(shown, 'topicKey')),
    mailboxCheck(mailboxes, textAt(shown, 'mailboxId')),
    ...itemsAt(shown, 'variants').map((variant) => templateCheck(variant, templates)),
    timeCheck(shown),
  ];
}

/** Who would get the campaign now; undefined until it is saved. */
function useEstimate(campaign: Json | undefined, isSaved: boolean): Json | undefined {
  const may = useMay();
  const id = textAt(campaign, 'id');
  return useQuery({
    queryKey: ['campaigns', 'estimateCampaign', id, textAt(campaign, 'etag')],
    queryFn: ({ signal }) => call('estimateCampaign', { id }, { signal }),
    enabled: campaign !== undefined && isSaved && may('estimateCampaign'),
    staleTime: 30_000,
  }).data;
}

function savedCheck({ isEdited }: Draft): Checked {
  return { key: 'saved', state: isEdited ? 'wrong' : 'good', said: t(isEdited ? 'check.unsaved' : 'check.saved') };
}

function audienceCheck(shown: Json, segments: readonly Json[], estimate: Json | undefined): Checked {
  const ids = Array.isArray(shown.includeSegmentIds) ? shown.includeSegmentIds : [];
  const chosen = segments.filter(({ id }) => ids.includes(id));
  if (ids.length === 0) return { key: 'audience', state: 'wrong', said: t('check.noSegment') };
  const late = chosen.find(({ state }) => state !== 'LIVE');
  if (late) {
    const said = t('check.segment', {
      name: textAt(late, 'name'),
      state: labels.value('SegmentState', textAt(late, 'state')),
    });
    return { key: 'audience', state: textAt(late, 'state') === 'PAUSED' ? 'note' : 'wrong', said };
  }
  if (!estimate) return { key: 'audience', state: 'open', said: t('check.counting') };
  const count = Number(estimate.audience ?? 0);
  return count === 0
    ? { key: 'audience', state: 'wrong', said: t('check.nobody') }
    : { key: 'audience', state: 'good', said: t('check.audience', { count }) };
}

/** How many of a sample would get it, and why the others would not. */
function mailableCheck(estimate: Json | undefined): Checked[] {
  const [sample, mailable] = [Number(estimate?.sample ?? 0), Number(estimate?.sampleMailable ?? 0)];
  if (sample === 0) return [];
  const reasons = itemsAt(estimate, 'sampleReasons').map((each) =>
    t('check.reason', {
      count: Number(each.count ?? 0),
      reason: labels.value('RecipientReason', textAt(each, 'reason')),
    }),
  );
  const said = [t('check.mailable', { share: format.percent(mailable / sample) }), ...reasons].join(' · ');
  return [{ key: 'mailable', state: mailable === 0 ? 'wrong' : mailable < sample ? 'note' : 'good', said }];
}

function foundCheck(kind: string, records: readonly Json[], by: string, value: string): Checked {
  const found = records.find((each) => each[by] === value);
  const what = labels.singular(kind);
  return found
    ? { key: kind, state: 'good', said: `${what}: ${textAt(found, 'name') || textAt(found, 'address')}` }
    : { key: kind, state: 'wrong', said: t('check.choose', { what }) };
}

function mailboxCheck(mailboxes: readonly Json[], id: string): Checked {
  const found = foundCheck('mailbox', mailboxes, 'id', id);
  const mailbox = mailboxes.find((each) => each.id === id);
  if (mailbox && textAt(mailbox, 'relayId') === '') return { ...found, state: 'wrong', said: t('check.noRelay') };
  const state = textAt(mailbox, 'state');
  if (found.state === 'wrong' || state === 'ACTIVE') return found;
  return { ...found, state: 'wrong', said: `${found.said}, ${labels.value('MailboxState', state)}` };
}

function templateCheck(variant: Json, templates: readonly Json[]): Checked {
  const key = textAt(variant, 'key');
  const found = templates.find(({ id }) => id === variant.templateId);
  const letter = key.toUpperCase();
  if (!found) return { key, state: 'wrong', said: t('check.noTemplate', { letter }) };
  const name = textAt(found, 'name');
  if (Number(found.publishedVersion ?? 0) === 0)
    return { key, state: 'wrong', said: t('check.unpublished', { letter, name }) };
  if (found.changedSincePublish === true) return { key, state: 'note', said: t('check.changed', { letter, name }) };
  return { key, state: 'good', said: t('check.template', { letter, name }) };
}

function timeCheck(shown: Json): Checked {
  const sendTime = textAt(shown, 'schedule.sendTime');
  const localTime = textAt(shown, 'schedule.localTime');
  // The last zone is twelve hours behind UTC.
  const last = localTime === '' ? Date.parse(sendTime) : Date.parse(`${localTime}:00-12:00`);
  const isPast = last < Date.now();
  if (sendTime + localTime === '') return { key: 'time', state: 'good', said: t('check.now') };
  if (isPast) return { key: 'time', state: 'wrong', said: t('check.past') };
  return {
    key: 'time',
    state: 'good',
    said: localTime === '' ? format.exactTime(sendTime) : t('check.local', { time: localTime.replace('T', ' ') }),
  };
}

/** Whether a campaign waits for a time. */
export function isTimed(campaign: Json): boolean {
  return valueAt(campaign, 'schedule.sendTime') !== undefined || valueAt(campaign, 'schedule.localTime') !== undefined;
}
