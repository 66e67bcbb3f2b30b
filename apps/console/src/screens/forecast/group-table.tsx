import { format, labels, t } from '../../app/language.ts';
import { itemsAt, textAt, valueAt, type Json } from '../../contract/json.ts';
import { Panel } from '../../kit/panel.tsx';
import { Principal } from '../../kit/record/names.tsx';
import { text } from '../../kit/ui.tsx';
import { amountsIn, columns, groupCondition, inOrder, sumOf, type Scope, type View } from './forecast-data.ts';
import { Drill, Gap, QuotaBar, scopeOf } from './summary.tsx';
import style from './forecast.module.css';

/** The forecast by owner, team, category, stage or month. Each number leads to its deals. */
export function GroupTable({ view }: { view: View }) {
  const { forecast, grouping, currency } = view;
  const stages = view.pipelines.flatMap((pipeline) => itemsAt(pipeline, 'stages').map(({ key }) => String(key)));
  const shown = itemsAt(forecast, 'groups').filter((group) => amountsIn(group, currency));
  const groups = inOrder(shown, grouping, currency, stages);
  const most = Math.max(
    ...groups
      .map((group) => amountsIn(group, currency))
      .map((each) => Math.max(sumOf(each, 'total'), sumOf(each, 'quota'))),
    1,
  );
  const title = labels.value('ForecastGrouping', grouping);
  return (
    <Panel
      title={t('forecast.grouped', { by: title.toLowerCase() })}
      beside={textAt(amountsIn(forecast.total as Json, currency), 'currencyCode')}
    >
      <div className={style.wide} tabIndex={0} role="region" aria-label={title}>
        <table className={style.groups}>
          <thead>
            <tr>
              <th scope="col">{title}</th>
              <td />
              {columns.map(({ field, category }) => (
                <th key={field} scope="col">
                  {labels.value('ForecastCategory', category)}
                </th>
              ))}
              <th scope="col">{t('home.weighted')}</th>
              <th scope="col">{labels.field('ForecastAmounts', 'quota')}</th>
              <th scope="col">{t('forecast.gap')}</th>
            </tr>
          </thead>
          <tbody>
            {groups.map((group) => (
              <Row key={textAt(group, 'value') + textAt(group, 'pipelineId')} view={view} group={group} most={most} />
            ))}
          </tbody>
        </table>
      </div>
      {forecast.groupsOmitted === true && <p className={style.more}>{t('forecast.moreGroups')}</p>}
    </Panel>
  );
}

function Row({ view, group, most }: { view: View; group: Json; most: number }) {
  const { grouping, currency } = view;
  const amounts = amountsIn(group, currency);
  const quota = sumOf(amounts, 'quota');
  const of = grouping === 'CATEGORY' ? 'total' : 'closed';
  const money = format.moneyIn(textAt(amounts, 'currencyCode'), 2);
  return (
    <tr>
      <th scope="row">
        <span className={text.row}>
          <GroupName view={view} group={group} />
          <span className={text.faint}>{format.number(Number(valueAt(amounts, 'dealCount') ?? 0))}</span>
        </span>
      </th>
      <td aria-hidden>
        <QuotaBar amounts={amounts} most={most} />
      </td>
      {columns.map(({ field, category }) => (
        <td key={field} data-part={field}>
          <Drill
            {...{ view, money }}
            scope={groupScope(view, group)}
            categories={[category]}
            value={sumOf(amounts, field)}
          />
        </td>
      ))}
      <td data-part="weighted">{money(Math.round(sumOf(amounts, 'weighted')))}</td>
      <td data-part="quota" data-label={labels.field('ForecastAmounts', 'quota')}>
        {quota > 0 ? (
          <>
            {money(quota)} <span className={text.faint}>{format.percent(sumOf(amounts, of) / quota)}</span>
          </>
        ) : (
          <span className={text.faint}>–</span>
        )}
      </td>
      <td data-part="gap">
        {quota > 0 ? <Gap value={quota - sumOf(amounts, of)} money={money} /> : <span className={text.faint}>–</span>}
      </td>
    </tr>
  );
}

function GroupName({ view, group }: { view: View; group: Json }) {
  const value = textAt(group, 'value');
  const name = textOf(view, group);
  if (value !== '' && (view.grouping === 'OWNER' || view.grouping === 'TEAM')) return <Principal name={value} />;
  return (
    <span className={text.cut} title={name}>
      {name}
    </span>
  );
}

function textOf({ grouping, pipelines }: View, group: Json): string {
  const value = textAt(group, 'value');
  if (value === '') return t('forecast.noOwner');
  if (grouping === 'CATEGORY') return labels.value('ForecastCategory', value);
  if (grouping === 'MONTH') return format.month(value);
  const pipeline = pipelines.find(({ id }) => id === group.pipelineId);
  const stage = itemsAt(pipeline, 'stages').find(({ key }) => key === value);
  const name = textAt(stage, 'name') || value;
  return pipelines.length > 1 ? t('forecast.stageOf', { stage: name, pipeline: textAt(pipeline, 'name') }) : name;
}

/** Months are a part of the period; other groups have a condition. */
function groupScope(view: View, group: Json): Scope {
  const scope = scopeOf(view);
  const value = textAt(group, 'value');
  if (view.grouping !== 'MONTH') return { ...scope, group: groupCondition(view.grouping, group) };
  const [year, month] = value.split('-').map(Number);
  const end = new Date(Date.UTC(year ?? 0, month ?? 0, 0)).toISOString().slice(0, 10);
  return { ...scope, startDate: `${value}-01`, endDate: end };
}
