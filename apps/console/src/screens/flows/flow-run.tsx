import { useMutation, useQuery } from '@tanstack/react-query';
import { Check, RotateCcw, SkipForward, X } from 'lucide-react';
import { ProblemNote } from '../../app/boundaries.tsx';
import { format, labels, t } from '../../app/language.ts';
import { useMay } from '../../app/resource.ts';
import { Bar, Scroll } from '../../app/shell/shell.tsx';
import { call, invalidate, readQuery } from '../../contract/api.ts';
import { itemsAt, textAt, type Json } from '../../contract/json.ts';
import { Crumbs } from '../../kit/crumbs.tsx';
import { RecordOfAddress } from '../../kit/record-of-address.tsx';
import { Principal } from '../../kit/record/names.tsx';
import { Button, Chip, type IconType } from '../../kit/ui.tsx';
import style from './flows.module.css';
import { StepRuns } from './step-runs.tsx';
import { RecordLink } from './trial.tsx';

/** A run of a flow: what started it, and what each of its steps has done. */
export function FlowRun() {
  return <RecordOfAddress get="getFlowRun">{(run) => run && <Shown run={run} />}</RecordOfAddress>;
}

interface Act {
  verb: string;
  icon: IconType;
  states: readonly string[];
  body?: Json;
}

const acts: Readonly<Record<string, Act>> = {
  happened: { verb: 'decideFlowStep', icon: Check, states: ['UNCERTAIN'], body: { happened: true } },
  notHappened: { verb: 'decideFlowStep', icon: RotateCcw, states: ['UNCERTAIN'], body: { happened: false } },
  retry: { verb: 'retryFlowRun', icon: RotateCcw, states: ['FAILED'] },
  skip: { verb: 'skipFlowStep', icon: SkipForward, states: ['FAILED', 'WAITING'] },
  cancel: { verb: 'cancelFlowRun', icon: X, states: ['RUNNING', 'WAITING', 'UNCERTAIN'] },
};

const tones = { SUCCEEDED: 'good', FAILED: 'danger', UNCERTAIN: 'warn', COMPENSATED: 'warn' } as const;

function Shown({ run }: { run: Json }) {
  const may = useMay();
  const [id, state, flowId] = [textAt(run, 'id'), textAt(run, 'state'), textAt(run, 'flowId')];
  const flow = useQuery(readQuery('getFlow', { id: flowId }));
  const steps = useQuery(readQuery('listFlowStepRuns', { id, pageSize: 100 }));
  const act = useMutation({
    mutationFn: ({ verb, body }: Act) => call(verb, { id }, { ...(body && { body }) }),
    onSettled: () => invalidate('flowRuns'),
  });
  const possible = Object.entries(acts).filter(([, { verb, states }]) => states.includes(state) && may(verb));
  return (
    <>
      <Bar
        title={
          <Crumbs
            to={`/flows/${flowId}`}
            of={textAt(flow.data, 'name') || labels.resource('flows')}
            title={t('flow.run')}
          />
        }
        beside={<Chip tone={tones[state as keyof typeof tones] ?? 'quiet'}>{labels.value('FlowRunState', state)}</Chip>}
      >
        {possible.map(([key, one]) => (
          <Button key={key} icon={one.icon} onPress={() => act.mutate(one)} isDisabled={act.isPending}>
            {t(`flow.act.${key}`)}
          </Button>
        ))}
      </Bar>
      <Scroll padded>
        <ProblemNote error={act.error} />
        <RunFacts run={run} />
        {textAt(run, 'problem.message') !== '' && (
          <p className={style.problem} role="alert">
            <code>{textAt(run, 'problem.code')}</code> {textAt(run, 'problem.message')}
          </p>
        )}
        <StepRuns steps={itemsAt(steps.data, 'steps')} />
      </Scroll>
    </>
  );
}

function RunFacts({ run }: { run: Json }) {
  const [principal, wake] = [textAt(run, 'cause.principalId'), textAt(run, 'wakeTime')];
  return (
    <dl className={style.facts}>
      <dt>{labels.field('FlowRun', 'record')}</dt>
      <dd>
        <RecordLink record={run.record} />
      </dd>
      <dt>{labels.field('FlowRun', 'cause')}</dt>
      <dd>
        {labels.value('FlowRunCauseKind', textAt(run, 'cause.kind'))}{' '}
        {principal !== '' && <Principal name={principal} />}
      </dd>
      <dt>{labels.field('FlowRun', 'startTime')}</dt>
      <dd>{format.exactTime(textAt(run, 'startTime'))}</dd>
      <dt>{labels.field('FlowRun', 'version')}</dt>
      <dd>{textAt(run, 'version')}</dd>
      {wake !== '' && (
        <>
          <dt>{labels.field('FlowRun', 'wakeTime')}</dt>
          <dd>{format.exactTime(wake)}</dd>
        </>
      )}
    </dl>
  );
}
