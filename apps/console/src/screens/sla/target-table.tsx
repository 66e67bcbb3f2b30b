import { useState } from 'react';
import { labels, t } from '../../app/language.ts';
import type { Json } from '../../contract/json.ts';
import { Section } from '../../kit/editor.tsx';
import { TextField } from '../../kit/form/field.tsx';
import type { Faults } from '../../kit/form/form-faults.tsx';
import { Form } from '../../kit/form/form.tsx';
import { join, text } from '../../kit/ui.tsx';
import { secondsOf, typedOf } from '../ticket/clock/sla-clock.ts';
import style from './sla.module.css';
import { anyPriority, rulesOf, secondsAt, sharedRules, targetsOf, withRules, withSeconds } from './targets.ts';

interface TableProps {
  policy: Json;
  onChange: (targets: Json[]) => void;
  faults: Faults;
}

/** What is promised: a time for each metric and priority. The rules of the chosen metric are below. */
export function TargetTable({ policy, onChange, faults }: TableProps) {
  const metrics = labels.values('SlaMetric');
  const [chosen, setChosen] = useState(metrics[0]?.id ?? '');
  const columns = [...labels.values('TicketPriority').toReversed(), { id: anyPriority, name: t('sla.others') }];
  return (
    <Section title={labels.field('SlaPolicy', 'targets')}>
      <table className={style.targets} aria-label={labels.field('SlaPolicy', 'targets')}>
        <thead>
          <tr>
            <th scope="col">{t('sla.within')}</th>
            {columns.map(({ id, name }) => (
              <th key={id} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {metrics.map(({ id: metric, name }) => (
            <tr key={metric} className={join(metric === chosen && style.chosen)}>
              <th scope="row">
                <button type="button" aria-pressed={metric === chosen} onClick={() => setChosen(metric)}>
                  {name}
                </button>
              </th>
              {columns.map(({ id: priority, name: column }) => (
                <td key={priority}>
                  <Cell
                    // Another version of the policy has other times.
                    key={secondsAt(policy, metric, priority)}
                    label={`${name}, ${column}`}
                    seconds={secondsAt(policy, metric, priority)}
                    onFocus={() => setChosen(metric)}
                    onChange={(seconds) => onChange(withSeconds(policy, metric, priority, seconds))}
                  />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      <p className={text.meta}>{t('sla.withinHelp')}</p>
      {targetsOf(policy, chosen).length > 0 && (
        <section className={style.rules} aria-label={labels.value('SlaMetric', chosen)}>
          <h3>{labels.value('SlaMetric', chosen)}</h3>
          <Form
            message="SlaTarget"
            names={sharedRules}
            value={rulesOf(policy, chosen)}
            onChange={(rules) => onChange(withRules(policy, chosen, rules))}
            faults={faults}
            at={`/targets/${(policy.targets as Json[]).findIndex(({ metric }) => metric === chosen)}`}
          />
        </section>
      )}
    </Section>
  );
}

interface CellProps {
  label: string;
  seconds: number | undefined;
  onFocus: () => void;
  onChange: (seconds: number | undefined) => void;
}

/** A time as it is typed: it counts once the focus leaves it. */
function Cell({ label, seconds, onFocus, onChange }: CellProps) {
  const [typed, setTyped] = useState(seconds === undefined ? '' : typedOf(seconds));
  const parsed = typed.trim() === '' ? undefined : secondsOf(typed);
  const isBad = typed.trim() !== '' && parsed === undefined;
  return (
    <TextField
      label={label}
      isHiddenLabel
      value={typed}
      onChange={setTyped}
      onFocus={onFocus}
      onBlur={() => !isBad && parsed !== seconds && onChange(parsed)}
      placeholder="–"
      {...(isBad && { error: t('sla.notTime') })}
    />
  );
}
