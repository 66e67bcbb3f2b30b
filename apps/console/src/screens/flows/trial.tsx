import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { ProblemText } from '../../app/boundaries.tsx';
import { format, labels, t } from '../../app/language.ts';
import { call } from '../../contract/api.ts';
import { theContract, type FieldType } from '../../contract/contract.ts';
import { isJson, itemsAt, textAt, valueAt, type Json } from '../../contract/json.ts';
import { EditorForm } from '../../kit/editor.tsx';
import { faultsOf } from '../../kit/form/form-faults.tsx';
import type { FormField } from '../../kit/form/form-field.ts';
import { Form } from '../../kit/form/form.tsx';
import { NamedRecord } from '../../kit/record/names.tsx';
import { Button, Chip, icons, text } from '../../kit/ui.tsx';
import style from './flows.module.css';
import { FlowProblem, StepRuns } from './step-runs.tsx';

/** What a flow would have done with the changes of the last week, or would do with what is given to it. Nothing changes. */
export default function Trial({ flow, isEdited, onClose }: { flow: Json; isEdited: boolean; onClose: () => void }) {
  const [id, etag] = [textAt(flow, 'id'), textAt(flow, 'etag')];
  const needs = needsOf(flow);
  const [scope, setScope] = useState<Json>({});
  const [asked, setAsked] = useState<Json | undefined>(needs ? undefined : { maxRuns: 20 });
  const { data, error, isFetching } = useQuery({
    queryKey: ['flows', 'dryRunFlow', id, etag, asked],
    queryFn: ({ signal }) => call('dryRunFlow', { id }, { body: asked, signal }),
    enabled: asked !== undefined,
    staleTime: Infinity,
  });
  const faults = faultsOf(error);
  const isFaultShown = faults.size > 0 && needs !== undefined;
  return (
    <EditorForm title={t(needs ? 'flow.trial.once' : 'flow.trial')} onClose={onClose}>
      <p className={text.two}>{isEdited ? t('flow.trial.saved') : t('flow.trial.help')}</p>
      {needs && (
        <>
          <Form message="FlowTrialScope" fields={needs.scope} value={scope} onChange={setScope} faults={faults} />
          <Form
            message=""
            fields={needs.input}
            value={isJson(scope.input) ? scope.input : {}}
            onChange={(input) => setScope({ ...scope, input })}
            faults={faults}
            at="/input"
          />
          <span>
            <Button icon={icons.FlaskConical} isPending={isFetching} onPress={() => setAsked(scope)}>
              {t('flow.try')}
            </Button>
          </span>
        </>
      )}
      {isFetching && !needs && <p role="status">{t('flow.trial.running')}</p>}
      {error && !isFaultShown && <ProblemText error={error} />}
      {data && <Report report={data} isOnce={needs !== undefined} />}
    </EditorForm>
  );
}

/** What the start of a flow gives it, where no change does: a record and inputs, or what another system sends. */
function needsOf(flow: Json): { scope: FormField[]; input: FormField[] } | undefined {
  const { manual, webhook } = (valueAt(flow, 'definition.trigger') ?? {}) as Record<string, Json | undefined>;
  const field = (name: string) => ({ ...theContract().field('FlowTrialScope', name)!, help: '' });
  if (webhook) return { scope: [field('body')], input: [] };
  if (!manual) return undefined;
  const type = textAt(manual, 'type');
  const [singular = '', object] = type.split('/');
  const reference = object === undefined ? theContract().recordType(type)?.name : `objects/${object}/records`;
  const record = { ...field('recordId'), required: true as const, label: labels.singular(singular) };
  return {
    scope: type === '' ? [] : [{ ...record, ...(reference !== undefined && { reference }) }],
    input: itemsAt(manual, 'inputs').map((each) => ({
      name: textAt(each, 'key'),
      label: textAt(each, 'name') || textAt(each, 'key'),
      type: inputTypes[textAt(each, 'type')] ?? 'text',
      ...(each.required === true && { required: true }),
    })),
  };
}

const inputTypes: Readonly<Record<string, FieldType>> = {
  NUMBER: 'number',
  BOOLEAN: 'bool',
  TIME: 'time',
  ANY: 'object',
};

function Report({ report, isOnce }: { report: Json; isOnce: boolean }) {
  const count = (name: string) => Number(valueAt(report, name) ?? 0);
  const figures = ['changes', 'started', 'suppressed', 'notMatched'] as const;
  return (
    <>
      {isOnce && count('notMatched') > 0 && <p role="status">{t('flow.trial.refused')}</p>}
      {!isOnce && (
        <dl className={style.figures}>
          {figures.map((name) => (
            <div key={name}>
              <dt className={text.meta}>{t(`flow.trial.${name}`)}</dt>
              <dd className={text.figure}>{format.number(count(name))}</dd>
            </div>
          ))}
        </dl>
      )}
      {itemsAt(report, 'trials').map((trial, index) => (
        <TrialRun key={index} trial={trial} />
      ))}
    </>
  );
}

function TrialRun({ trial }: { trial: Json }) {
  const state = textAt(trial, 'state');
  return (
    <details className={style.trial}>
      <summary>
        <NamedRecord value={valueAt(trial, 'decision.record')} />
        <span className={text.grow} />
        <time className={text.meta}>{format.time(textAt(trial, 'decision.time'))}</time>
        <Chip tone={state === 'SUCCEEDED' ? 'good' : 'danger'}>{labels.value('FlowRunState', state)}</Chip>
      </summary>
      <FlowProblem problem={trial.problem} steps={itemsAt(trial, 'steps')} />
      <StepRuns steps={itemsAt(trial, 'steps')} />
    </details>
  );
}
