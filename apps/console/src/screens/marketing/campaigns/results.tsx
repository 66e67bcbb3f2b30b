import { useQuery } from '@tanstack/react-query';
import { zone } from '../../../app/format.ts';
import { format, labels, t } from '../../../app/language.ts';
import { useMay } from '../../../app/resource.ts';
import { readQuery } from '../../../contract/api.ts';
import { itemsAt, textAt, type Json } from '../../../contract/json.ts';
import { BarChart, useAsTable } from '../../../kit/chart/chart-bars.tsx';
import { Panel } from '../../../kit/panel.tsx';
import { RecordName } from '../../../kit/record/names.tsx';
import { Chip, icons, text } from '../../../kit/ui.tsx';
import { addDays, daysBetween, dayText, today } from '../../home/home-data.ts';
import { OperationButton } from '../operation-button.tsx';
import { BarTable, PartBar } from '../../reports/bar-table.tsx';
import reports from '../../reports/reports.module.css';
import style from './monitor.module.css';
import { countOf, resultsOf, type Tally } from './recipients.ts';

/** What came of a campaign: by variant, by day and by link. Only clicks of people count. */
export function Results({ campaign, tallies }: { campaign: Json; tallies: readonly Tally[] }) {
  const own = `campaignId = ${textAt(campaign, 'id')}`;
  const clicked = `${own} AND kind = CLICKED AND verdict = HUMAN`;
  const clicks = useGroups('aggregateCampaignRecipients', `${own} AND isHumanClick = true`, 'variantKey');
  const events = useGroups('aggregateMessageEvents', own, 'kind');
  const days = useGroups('aggregateMessageEvents', clicked, 'time.day');
  const links = useGroups('aggregateMessageEvents', clicked, 'link');
  const sent = countOf(tallies, 'HANDED_OVER', 'BOUNCED', 'COMPLAINED');
  return (
    <div className={reports.reports}>
      <Variants campaign={campaign} tallies={tallies} clicks={clicks} />
      <Events events={events} sent={sent} people={[...clicks.values()].reduce((sum, count) => sum + count, 0)} />
      <Days days={days} />
      <Links links={links} />
    </div>
  );
}

/** Counts by the values of a field. */
function useGroups(operation: string, filter: string, groupBy: string): ReadonlyMap<string, number> {
  const may = useMay();
  const { data } = useQuery(readQuery(operation, { filter, groupBy, timeZone: zone }, may(operation)));
  return new Map(
    itemsAt(data, 'groups').map((group) => [textAt(itemsAt(group, 'values')[0], 'value'), Number(group.count ?? 0)]),
  );
}

interface VariantsProps {
  campaign: Json;
  tallies: readonly Tally[];
  clicks: ReadonlyMap<string, number>;
}

function Variants({ campaign, tallies, clicks }: VariantsProps) {
  const variants = itemsAt(campaign, 'variants');
  const results = resultsOf(
    variants.map((variant) => textAt(variant, 'key')),
    tallies,
    clicks,
  );
  const most = Math.max(...results.map(({ rate }) => rate ?? 0), Number.MIN_VALUE);
  const winner = textAt(campaign, 'winnerKey');
  const canPick = campaign.test !== undefined && winner === '';
  return (
    <Panel title={t('results.variants')}>
      <BarTable
        heads={[
          labels.field('Campaign', 'variants'),
          ...['rate', 'clicks', 'accepted', 'recipients'].map((name) => t(`results.${name}`)),
        ]}
        rows={results.map(({ key, rate, ...counts }, index) => ({
          key,
          name: (
            <span className={text.row}>
              <b>{key.toUpperCase()}</b>
              <span className={text.cut}>
                {textAt(variants[index], 'subject') || (
                  <RecordName resource="templates" id={textAt(variants[index], 'templateId')} />
                )}
              </span>
              {winner === key && (
                <Chip tone="mark" icon={icons.Crown}>
                  {t('results.winner')}
                </Chip>
              )}
              {canPick && (
                <OperationButton id="pickCampaignWinner" parameters={{ id: campaign.id }} body={{ variantKey: key }} />
              )}
            </span>
          ),
          bar: <PartBar part={(rate ?? 0) / most} />,
          cells: [
            rate === undefined ? '–' : format.percent(rate),
            format.number(counts.clicks),
            format.number(counts.accepted),
            <span className={text.two}>{format.number(counts.recipients)}</span>,
          ],
        }))}
      />
    </Panel>
  );
}

const shownEvents = ['CLICKED', 'REPLIED', 'CONVERTED', 'UNSUBSCRIBED', 'BOUNCED', 'COMPLAINED'] as const;

/** What people did, and what went wrong, with its share of what was sent. */
function Events({ events, sent, people }: { events: ReadonlyMap<string, number>; sent: number; people: number }) {
  return (
    <Panel title={t('results.events')}>
      <dl className={style.figures}>
        {shownEvents.map((kind) => {
          const count = kind === 'CLICKED' ? people : (events.get(kind) ?? 0);
          return (
            <div key={kind}>
              <dt className={text.meta}>
                {kind === 'CLICKED' ? t('results.people') : labels.value('MessageEventKind', kind)}
              </dt>
              <dd className={text.figure}>{format.number(count)}</dd>
              <dd className={text.meta}>{sent === 0 ? '–' : format.percent(count / sent)}</dd>
            </div>
          );
        })}
      </dl>
    </Panel>
  );
}

const mostDays = 14;

/** Up to today, and no more than two weeks. */
function daysFrom(first: string): string[] {
  const start = new Date(`${first}T00:00:00Z`);
  const days = Math.max(0, daysBetween(start, today())) + 1;
  return Array.from({ length: Math.min(mostDays, days) }, (_, day) => dayText(addDays(start, day)));
}

function Days({ days }: { days: ReadonlyMap<string, number> }) {
  const [isTable, button] = useAsTable();
  const first = [...days.keys()].toSorted()[0];
  const bars =
    first === undefined
      ? []
      : daysFrom(first).map((day) => ({
          label: String(Number(day.slice(-2))),
          name: format.date(day),
          value: days.get(day) ?? 0,
          before: 0,
        }));
  return (
    <Panel title={t('results.days')} end={button}>
      <div className={style.chart}>
        {bars.length === 0 ? (
          <p className={text.two}>{t('results.noClicks')}</p>
        ) : (
          <BarChart
            title={t('results.days')}
            bars={bars}
            heads={[t('results.day'), t('results.clicks'), '']}
            isTable={isTable}
          />
        )}
      </div>
    </Panel>
  );
}

function Links({ links }: { links: ReadonlyMap<string, number> }) {
  const most = Math.max(...links.values(), 1);
  if (links.size === 0) return null;
  return (
    <Panel title={t('results.links')}>
      <BarTable
        heads={[labels.field('MessageEvent', 'link'), t('results.clicks')]}
        rows={[...links].slice(0, 10).map(([link, count]) => ({
          key: link,
          name: link,
          title: link,
          bar: <PartBar part={count / most} />,
          cells: [format.number(count)],
        }))}
      />
    </Panel>
  );
}
