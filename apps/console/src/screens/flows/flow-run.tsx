import { useMutation, useQuery } from '@tanstack/react-query';
import { ProblemNote } from '../../app/boundaries.tsx';
import { format, labels, t } from '../../app/language.ts';
import { Bar, Scroll } from '../../app/shell/shell.tsx';
import { call, invalidate, readQuery } from '../../contract/api.ts';
import { itemsAt, textAt, type Json } from '../../contract/json.ts';
import { wholeQuery } from '../../contract/whole-list.ts';
import { Crumbs } from '../../kit/crumbs.tsx';
import { RecordOfAddress } from '../../kit/record-of-address.tsx';
import { NamedRecord, Principal } from '../../kit/record/names.tsx';
import { StateChip, useActs, type StateAct } from '../../kit/record/states.tsx';
import { Button, icons } from '../../kit/ui.tsx';
import style from './flows.module.css';
import { FlowProblem, StepRuns } from './step-runs.tsx';

/** A run of a flow: what started it, and what each of its steps has done. */
export function FlowRun() {
  return <RecordOfAddress get="getFlowRun">{(run) => run && <Shown run={run} />}</RecordOfAddress>;
}

const acts: readonly (StateAct & { key: string })[] = [
  { key: 'happened', verb: 'decideFlowStep', icon: icons.Check, states: ['UNCERTAIN'], body: { happened: true } },
  {
    key: 'notHappened',
    verb: 'decideFlowStep',
    icon: icons.RotateCcw,
    states: ['UNCERTAIN'],
    body: { happened: false },
  },
  { key: 'retry', verb: 'retryFlowRun', icon: icons.RotateCcw, states: ['FAILED'] },
  { key: 'skip', verb: 'skipFlowStep', icon: icons.SkipForward, states: ['FAILED', 'WAITING'] },
  { key: 'cancel', verb: 'cancelFlowRun', icon: icons.X, states: ['RUNNING', 'WAITING', 'UNCERTAIN'] },
];

const tones = { SUCCEEDED: 'good', FAILED: 'danger', UNCERTAIN: 'warn', COMPENSATED: 'warn' } as const;

function Shown({ run }: { run: Json }) {
  const possible = useActs(acts, run);
  const [id, flowId] = [textAt(run, 'id'), textAt(run, 'flowId')];
  const flow = useQuery(readQuery('getFlow', { id: flowId }));
  const steps = useQuery(wholeQuery('listFlowStepRuns', 'steps', { id, pageSize: 100 }));
  const act = useMutation({
    mutationFn: ({ verb, body }: StateAct) => call(verb, { id }, { ...(body && { body }) }),
    onSettled: () => invalidate('flowRuns'),
  });
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
        beside={<StateChip record={run} of="FlowRunState" tones={tones} />}
      >
        {possible.map((one) => (
          <Button key={one.key} icon={one.icon} onPress={() => act.mutate(one)} isPending={act.isPending}>
            {t(`flow.act.${one.key}`)}
          </Button>
        ))}
      </Bar>
      <Scroll padded>
        <ProblemNote error={act.error} />
        <RunFacts run={run} />
        <FlowProblem problem={run.problem} steps={itemsAt(steps.data, 'steps')} />
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
        <NamedRecord value={run.record} />
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
