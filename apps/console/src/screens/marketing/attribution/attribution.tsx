import { useQueries } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useAddress } from '../../../app/resource.ts';
import { Pending, ProblemNote } from '../../../app/boundaries.tsx';
import { format, labels, t } from '../../../app/language.ts';
import { Bar, Scroll } from '../../../app/shell/shell.tsx';
import { readQuery } from '../../../contract/api.ts';
import { theContract } from '../../../contract/contract.ts';
import { isJson, valueAt, type Json } from '../../../contract/json.ts';
import { Segments } from '../../../kit/form/segments.tsx';
import { Nothing } from '../../../kit/nothing.tsx';
import { Panel } from '../../../kit/panel.tsx';
import { useTitles } from '../../../kit/record/names.tsx';
import { isMoney } from '../../../kit/record/value.tsx';
import { join, text } from '../../../kit/ui.tsx';
import reports from '../../reports/reports.module.css';
import { rowsOf, type AttributionRow, type Grouping } from './attribution-rows.ts';
import style from './attribution.module.css';

const ranges = ['30', '90', '365'] as const;
const groupings: readonly Grouping[] = ['CAMPAIGN', 'FORM', 'KIND'];

/** Days before a win in which touchpoints count. */
const windowDays = 90;

/** What marketing has a part in: the won amount by campaign, form or kind, as each model divides it. */
export function Attribution() {
  const [search, change] = useAddress<{ range?: string | number; by?: Grouping }>();
  // The router reads digits in an address as a number.
  const [range, by] = [String(search.range ?? '90'), search.by ?? 'CAMPAIGN'];
  const [now] = useState(() => Date.now());
  const since = new Date(now - Number(range) * 86_400_000).toISOString();
  const models = theContract().enumValues('AttributionModel');
  const asked = { since, until: new Date(now).toISOString(), windowDays, groupBy: by };
  const answers = useQueries({
    queries: models.map(({ name: model }) => readQuery('computeAttributions', { ...asked, model })),
  });
  const error = answers.find((answer) => answer.error)?.error;
  const data = answers.flatMap((answer) => (isJson(answer.data) ? [answer.data] : []));
  const isWhole = data.length === models.length;
  const [first] = data;
  const deals = Number(first?.dealCount ?? 0);
  return (
    <>
      <Bar
        title={t('attribution.title')}
        beside={isWhole && <span className={text.desk}>{t('attribution.deals', { count: deals })}</span>}
      />
      <div className={reports.tools}>
        <Segments
          label={t('attribution.range')}
          value={range}
          onChange={(next) => change({ range: next })}
          options={ranges.map((id) => ({ id, name: t('attribution.days', { count: Number(id) }) }))}
        />
        <Segments
          label={labels.field('ComputeAttributionsRequest', 'groupBy')}
          value={by}
          onChange={(next) => change({ by: next })}
          options={groupings.map((id) => ({ id, name: labels.value('AttributionGrouping', id) }))}
        />
      </div>
      <Scroll padded>
        <ProblemNote error={error} />
        {!isWhole && !error && <Pending />}
        {isWhole && deals === 0 && <Nothing title={t('attribution.none')} help={t('attribution.noneHelp')} />}
        {isWhole && deals > 0 && (
          <div className={join(reports.reports, reports.stack)}>
            <Models by={by} models={models.map(({ name }) => name)} answers={data} />
          </div>
        )}
      </Scroll>
    </>
  );
}

/** The shares of each model side by side. Each column adds up to the won amount. */
function Models({ by, models, answers }: { by: Grouping; models: readonly string[]; answers: readonly Json[] }) {
  const rows = rowsOf(answers, by);
  const resource = by === 'FORM' ? 'forms' : 'campaigns';
  const named = useTitles(resource, by === 'KIND' ? [] : rows.flatMap(({ key }) => (key === '' ? [] : key)));
  const unvalued = Number(answers[0]?.unvaluedDealCount ?? 0);
  const title = t('attribution.by', { by: labels.value('AttributionGrouping', by).toLowerCase() });
  const nameOf = ({ key }: AttributionRow) => {
    if (by === 'KIND') return labels.value('TouchpointKind', key);
    return key === '' ? t(`attribution.without.${by}`) : (named.get(key) ?? key);
  };
  return (
    <Panel title={title} beside={t('attribution.window', { count: windowDays })}>
      <div className={style.wide} tabIndex={0} role="region" aria-label={title}>
        <table className={reports.times}>
          <thead>
            <tr>
              <th scope="col">{labels.value('AttributionGrouping', by)}</th>
              {models.map((model) => (
                <th key={model} scope="col">
                  {labels.value('AttributionModel', model)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.key}>
                <th scope="row" className={text.cut}>
                  {by === 'KIND' || row.key === '' ? (
                    nameOf(row)
                  ) : (
                    <Link to="/$resource/$id" params={{ resource, id: row.key }} className={text.link}>
                      {nameOf(row)}
                    </Link>
                  )}
                </th>
                {row.amounts.map((amount, index) => (
                  <td key={models[index]}>
                    {isMoney(amount) ? format.money(amount) : <span className={text.faint}>–</span>}
                  </td>
                ))}
              </tr>
            ))}
            <Total name={t('attribution.unattributed')} field="unattributed" answers={answers} models={models} />
          </tbody>
          <tfoot>
            <Total name={t('attribution.won')} field="won" answers={answers} models={models} />
          </tfoot>
        </table>
      </div>
      {rows.length === 0 && <p className={style.note}>{t('attribution.noTouchpoints')}</p>}
      {unvalued > 0 && <p className={style.note}>{t('attribution.unvalued', { count: unvalued })}</p>}
    </Panel>
  );
}

interface TotalProps {
  name: string;
  field: 'won' | 'unattributed';
  answers: readonly Json[];
  models: readonly string[];
}

function Total({ name, field, answers, models }: TotalProps) {
  return (
    <tr className={style[field]}>
      <th scope="row">{name}</th>
      {answers.map((answer, index) => {
        const money = valueAt(answer, field);
        return <td key={models[index]}>{isMoney(money) && format.money(money)}</td>;
      })}
    </tr>
  );
}
