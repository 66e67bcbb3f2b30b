import { useQuery } from '@tanstack/react-query';
import { ProblemText } from '../../app/boundaries.tsx';
import { format, labels, t } from '../../app/language.ts';
import { call } from '../../contract/api.ts';
import { itemsAt, textAt, valueAt, type Json } from '../../contract/json.ts';
import { NamedRecord } from '../../kit/record/names.tsx';
import { EditorForm } from '../../kit/editor.tsx';
import { Chip } from '../../kit/ui.tsx';
import text from '../../style/text.module.css';
import style from './flows.module.css';
import { StepRuns } from './step-runs.tsx';

/** What a flow would have done with the changes of the last week. Nothing changes. */
export default function Trial({ flow, isEdited, onClose }: { flow: Json; isEdited: boolean; onClose: () => void }) {
  const [id, etag] = [textAt(flow, 'id'), textAt(flow, 'etag')];
  const { data, error, isPending } = useQuery({
    queryKey: ['flows', 'dryRunFlow', id, etag],
    queryFn: ({ signal }) => call('dryRunFlow', { id }, { body: { maxRuns: 20 }, signal }),
    staleTime: Infinity,
  });
  return (
    <EditorForm title={t('flow.trial')} onClose={onClose}>
      <p className={text.two}>{isEdited ? t('flow.trial.saved') : t('flow.trial.help')}</p>
      {isPending && <p role="status">{t('flow.trial.running')}</p>}
      {error && <ProblemText error={error} />}
      {data && <Report report={data} />}
    </EditorForm>
  );
}

function Report({ report }: { report: Json }) {
  const count = (name: string) => Number(valueAt(report, name) ?? 0);
  const figures = ['changes', 'started', 'suppressed', 'notMatched'] as const;
  return (
    <>
      <dl className={style.figures}>
        {figures.map((name) => (
          <div key={name}>
            <dt className={text.meta}>{t(`flow.trial.${name}`)}</dt>
            <dd className={text.figure}>{format.number(count(name))}</dd>
          </div>
        ))}
      </dl>
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
      {textAt(trial, 'problem.message') !== '' && <p role="alert">{textAt(trial, 'problem.message')}</p>}
      <StepRuns steps={itemsAt(trial, 'steps')} />
    </details>
  );
}
