import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { format, labels, t } from '../../app/language.ts';
import { useSession } from '../../app/session.ts';
import { call, invalidate, readQuery } from '../../contract/api.ts';
import { itemsAt, textAt, valueAt, type Json } from '../../contract/json.ts';
import { wholeQuery } from '../../contract/whole-list.ts';
import { Ask } from '../../kit/form/ask.tsx';
import { Form } from '../../kit/form/form.tsx';
import { Panel } from '../../kit/panel.tsx';
import { Principal } from '../../kit/record/names.tsx';
import { isMoney } from '../../kit/record/value.tsx';
import { notify } from '../../kit/notices.ts';
import { join, text } from '../../kit/ui.tsx';
import type { View } from './forecast-data.ts';
import { periodName } from './summary.tsx';
import style from './forecast.module.css';

/** What owners expect to sell: the latest of each owner and category, with the one before it struck. */
export function Submissions({ view }: { view: View }) {
  const { period, asOf } = view;
  const filter = `period = ${JSON.stringify(period)}${asOf === undefined ? '' : ` AND createTime <= "${asOf}"`}`;
  const { data } = useQuery({
    ...wholeQuery('listForecastSubmissions', 'forecastSubmissions', { filter, orderBy: 'createTime desc' }),
    placeholderData: (previous) => previous,
  });
  const latest = latestOf(itemsAt(data, 'forecastSubmissions'));
  return (
    <Panel title={labels.resource('forecastSubmissions')} beside={periodName(period)}>
      {data && latest.length === 0 && <p className={style.nothing}>{t('forecast.noSubmissions')}</p>}
      <ul className={style.submissions}>
        {latest.map(([submission, before]) => (
          <li key={textAt(submission, 'id')}>
            <span className={text.row}>
              <Principal name={textAt(submission, 'ownerId') || textAt(submission, 'createdBy')} />
              <span className={text.grow} />
              <time className={text.meta} title={format.exactTime(textAt(submission, 'createTime'))}>
                {format.time(textAt(submission, 'createTime'))}
              </time>
            </span>
            <span className={join(text.row, text.two)}>
              {labels.value('ForecastCategory', textAt(submission, 'category') || 'CLOSED')}
              <span className={text.grow} />
              <Amount submission={submission} before={before} />
            </span>
            {textAt(submission, 'note') !== '' && <p>{textAt(submission, 'note')}</p>}
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Amount({ submission, before }: { submission: Json; before: Json | undefined }) {
  const [amount, old] = [valueAt(submission, 'amount'), valueAt(before, 'amount')];
  const isChanged = isMoney(amount) && isMoney(old) && format.money(amount) !== format.money(old);
  return (
    <span className={style.amount}>
      {isChanged && <del>{format.money(old)}</del>}
      {isMoney(amount) && <b className={join(isChanged && style.new)}>{format.money(amount)}</b>}
    </span>
  );
}

/** Each latest submission of an owner for a category, with the one before it. @param all the latest first */
function latestOf(all: readonly Json[]): [Json, Json | undefined][] {
  const groups = Map.groupBy(all, (each) => `${textAt(each, 'ownerId')} ${textAt(each, 'category')}`);
  return [...groups.values()].flatMap(([first, before]) => (first ? [[first, before]] : []));
}

/** My own expectation, with a note. The earlier ones stay. */
export function SubmitDialog({ period, onClose }: { period: string; onClose: () => void }) {
  const { user } = useSession();
  const { data: settings } = useQuery(readQuery('getSettings'));
  const [value, setValue] = useState<Json>({ category: 'COMMIT' });
  const currencyCode = textAt(settings, 'baseCurrency');
  const names = ['amount', 'category', 'note'];
  const submit = async () => {
    const filled = Object.fromEntries(Object.entries(value).filter(([, each]) => each !== null));
    await call('createForecastSubmission', {}, { body: { amount: {}, ...filled, period, ownerId: user.id } });
    await invalidate('forecastSubmissions');
    notify(t('forecast.submitted', { period: periodName(period) }));
  };
  return (
    <Ask
      title={t('forecast.submitFor', { period: periodName(period) })}
      acts={[{ name: t('forecast.submit'), run: submit }]}
      onClose={onClose}
      names={names}
    >
      {(faults) => (
        <Form
          message="ForecastSubmission"
          names={names}
          value={{ amount: { currencyCode }, ...value }}
          onChange={setValue}
          faults={faults}
          autoFocus
          isBrief
        />
      )}
    </Ask>
  );
}
