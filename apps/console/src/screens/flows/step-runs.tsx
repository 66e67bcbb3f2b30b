import { labels, t } from '../../app/language.ts';
import { isJson, textAt, type Json } from '../../contract/json.ts';
import { Icon, icons, text, type IconType } from '../../kit/ui.tsx';
import style from './flows.module.css';
import { durationText, iconOf } from './step-names.ts';

const stateIcons: Readonly<Record<string, IconType>> = {
  RUNNING: icons.LoaderCircle,
  WAITING: icons.Clock,
  SUCCEEDED: icons.Check,
  SKIPPED: icons.CircleSlash,
  FAILED: icons.CircleAlert,
  UNCERTAIN: icons.CircleQuestionMark,
  CANCELLED: icons.CircleX,
  UNDONE: icons.Undo2,
};

/** The steps of a run in their order, each with its input and output. */
export function StepRuns({ steps }: { steps: readonly Json[] }) {
  return (
    <ol className={style.runs}>
      {steps.map((step) => (
        <StepRun key={`${textAt(step, 'path')} ${textAt(step, 'attempt')}`} step={step} />
      ))}
    </ol>
  );
}

function StepRun({ step }: { step: Json }) {
  const [state, kind, path] = [textAt(step, 'state'), textAt(step, 'kind'), textAt(step, 'path')];
  return (
    <li className={style.run} data-state={state} style={{ paddingLeft: `${depthOf(path) * 1.25}rem` }}>
      <details>
        <summary>
          <Icon of={stateIcons[state] ?? icons.CircleQuestionMark} />
          <span className={text.hidden}>{labels.value('FlowStepState', state)}</span>
          <Icon of={iconOf(kind)} />
          <b className={text.strong}>{labels.field('Step', kind)}</b>
          <code className={text.faint}>{textAt(step, 'key')}</code>
          {Number(step.attempt) > 1 && (
            <span className={text.meta}>{t('flow.attempt', { count: Number(step.attempt) })}</span>
          )}
          <span className={text.grow} />
          <span className={text.meta}>{took(step)}</span>
        </summary>
        <Values name="input" value={step.input} />
        <Values name="output" value={step.output} />
      </details>
      <FlowProblem problem={step.problem} steps={[step]} />
    </li>
  );
}

/** Why a run or a step has failed. What a flow raises says its author, in any language. */
export function FlowProblem({ problem, steps }: { problem: unknown; steps: readonly Json[] }) {
  if (!isJson(problem)) return null;
  const [code, path] = [textAt(problem, 'code'), textAt(problem, 'step')];
  const isRaised = steps.some((step) => step.kind === 'raise' && (path === '' || step.path === path));
  return (
    <p className={style.problem} role="alert">
      <code>{code}</code> {(isRaised ? undefined : labels.error(code)) ?? textAt(problem, 'message')}
    </p>
  );
}

function Values({ name, value }: { name: 'input' | 'output'; value: unknown }) {
  if (!isJson(value) || Object.keys(value).length === 0) return null;
  return (
    <div className={style.values}>
      <span className={text.meta}>{labels.field('FlowStepRun', name)}</span>
      <pre tabIndex={0}>{JSON.stringify(value, undefined, 2)}</pre>
    </div>
  );
}

/** Number of steps around one, by its path. */
function depthOf(path: string): number {
  return Math.max(0, (path.match(/\/\d+/g)?.length ?? 1) - 1);
}

/** Such as `0.4 seconds`; empty while a step runs. */
function took(step: Json): string {
  const [start, end] = [Date.parse(textAt(step, 'startTime')), Date.parse(textAt(step, 'endTime'))];
  return Number.isNaN(end - start) ? '' : durationText(Math.max(1, Math.round((end - start) / 100)) / 10);
}
