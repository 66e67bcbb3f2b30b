import { lazy, Suspense, useState } from 'react';
import { labels, t } from '../../app/language.ts';
import { theContract } from '../../contract/contract.ts';
import { Segments } from '../../kit/form/segments.tsx';
import { textAt } from '../../contract/json.ts';
import { FormFault } from '../../kit/form/form-faults.tsx';
import { Timeline } from '../../kit/record/timeline.tsx';
import { Button } from '../../kit/ui.tsx';
import type { Item } from './item.ts';
import { timelineOf } from './work/timeline-of.ts';
import style from './record.module.css';
import { useSave } from './save.ts';
import { useGoTo } from './history/ruler.tsx';

/** Each is loaded when it is first shown. */
const Activity = lazy(async () => ({ default: (await import('./work/activity.tsx')).Activity }));
const Lines = lazy(async () => ({ default: (await import('./sale/lines.tsx')).Lines }));
const TicketTalk = lazy(async () => ({ default: (await import('../ticket/ticket-pane.tsx')).TicketTalk }));
const Quotes = lazy(async () => ({ default: (await import('./sale/quotes.tsx')).Quotes }));

/** What happened with the record, what is sold with it, what was offered, and each change of it. */
export function Middle({ item }: { item: Item }) {
  const { asOf } = item;
  const tabs = tabsOf(item);
  const [chosen, setChosen] = useState(tabs[0]?.id ?? 'changes');
  // The past has no other parts.
  const tab = asOf === undefined ? chosen : 'changes';
  return (
    <section className={style.history} aria-label={t('record.timeline')}>
      {tabs.length > 1 && (
        <header className={style.tabs}>
          <Segments small label={t('record.parts')} value={tab} onChange={setChosen} options={tabs} />
        </header>
      )}
      <Suspense fallback={null}>
        {tab === 'talk' && (
          <div className={style.talk}>
            <TicketTalk ticket={item.now} />
          </div>
        )}
        {tab === 'activity' && <Activity item={item} />}
        {tab === 'lines' && <Lines item={item} />}
        {tab === 'quotes' && <Quotes item={item} />}
        {tab === 'changes' && <History item={item} />}
      </Suspense>
    </section>
  );
}

function tabsOf({ resource, may }: Item): { id: string; name: string }[] {
  const hasQuotes = resource.name === 'deals' && may('listQuotes');
  const isTicket = resource.name === 'tickets' && may('listTicketEntries');
  return [
    ...(isTicket ? [{ id: 'talk', name: t('ticket.conversation') }] : []),
    ...(may(timelineOf(resource)) ? [{ id: 'activity', name: t('record.activity') }] : []),
    ...(theContract().field(resource.message, 'lineItems') ? [{ id: 'lines', name: t('lines.title') }] : []),
    ...(hasQuotes ? [{ id: 'quotes', name: labels.resource('quotes') }] : []),
    { id: 'changes', name: t('record.timelineChanges') },
  ];
}

/** What happened to the record, the latest first. */
function History({ item }: { item: Item }) {
  const goTo = useGoTo();
  const [kind, setKind] = useState('');
  const { save, error } = useSave(item, item.now);
  const { changes, asOf, isDeleted, may, resource } = item;
  const kinds = [...new Set(changes.map((change) => textAt(change, 'operation')))];
  const canRestore = may(resource.update) && asOf === undefined && !isDeleted;
  return (
    <>
      <header className={style.kinds}>
        <Segments
          small
          label={t('timeline.filter')}
          value={kind}
          onChange={setKind}
          options={[
            { id: '', name: t('timeline.everything') },
            ...kinds.map((id) => ({ id, name: labels.value('ChangeOperation', id) })),
          ]}
        />
      </header>
      <FormFault error={error} names={[]} />
      <Timeline
        changes={kind === '' ? changes : changes.filter((change) => change.operation === kind)}
        fieldOf={item.fieldOf}
        message={resource.message}
        onRestore={canRestore ? ({ field, before }) => void save({ [field.name]: before ?? null }) : undefined}
        onGo={(change) => goTo(textAt(change, 'time'))}
        current={
          asOf === undefined
            ? undefined
            : textAt(
                changes.find(({ time }) => time === asOf),
                'id',
              )
        }
      />
      {item.moreChanges && (
        <p className={style.load}>
          <Button onPress={item.moreChanges}>{t('timeline.more')}</Button>
        </p>
      )}
    </>
  );
}
