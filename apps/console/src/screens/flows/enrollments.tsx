import { useMutation, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { ProblemNote, ProblemText } from '../../app/boundaries.tsx';
import { format, labels, t } from '../../app/language.ts';
import { useMay } from '../../app/resource.ts';
import { call, invalidate, readQuery } from '../../contract/api.ts';
import { isJson, itemsAt, textAt, type Json } from '../../contract/json.ts';
import { EditorForm } from '../../kit/editor.tsx';
import { Segments } from '../../kit/form/segments.tsx';
import { ReferencePicker } from '../../kit/form/reference.tsx';
import { Reference } from '../../kit/record/names.tsx';
import { useActs, type StateAct } from '../../kit/record/states.tsx';
import { Chip, IconButton, icons, text } from '../../kit/ui.tsx';
import style from './flows.module.css';
import { nameOfStep } from './step-names.ts';
import { linesOf } from './steps.ts';

const states = { inside: ['ACTIVE', 'PAUSED'], left: ['COMPLETED', 'EXITED'] } as const;

/** Customers in a journey or a sequence: where each is, and what can be done with it. */
export default function Enrollments({ flow, onClose }: { flow: Json; onClose: () => void }) {
  const may = useMay();
  const [place, setPlace] = useState<keyof typeof states>('inside');
  const flowId = textAt(flow, 'id');
  const { data, error, isPending } = useQuery(
    readQuery('listFlowEnrollments', { flowId, states: [...states[place]], pageSize: 100 }),
  );
  const act = useMutation({
    mutationFn: ({ verb, id }: { verb: string; id: string }) => call(verb, { id }),
    onSettled: () => invalidate('flowEnrollments'),
  });
  const enrollments = itemsAt(data, 'flowEnrollments');
  const isByHand = isJson(flow.definition) && isJson(flow.definition.trigger) && isJson(flow.definition.trigger.manual);
  return (
    <EditorForm title={labels.resource('customers')} onClose={onClose}>
      {isByHand && textAt(flow, 'state') === 'ACTIVE' && may('enrollCustomers') && <Enroll flowId={flowId} />}
      <span>
        <Segments
          small
          label={labels.field('FlowEnrollment', 'state')}
          value={place}
          onChange={setPlace}
          options={(['inside', 'left'] as const).map((id) => ({ id, name: t(`flow.enrolled.${id}`) }))}
        />
      </span>
      {error && <ProblemText error={error} />}
      <ProblemNote error={act.error} />
      {!isPending && enrollments.length === 0 && <p className={text.two}>{t(`flow.enrolled.none.${place}`)}</p>}
      <ul className={style.approvals}>
        {enrollments.map((enrollment) => (
          <Enrollment
            key={textAt(enrollment, 'id')}
            {...{ flow, enrollment }}
            onAct={(verb) => act.mutate({ verb, id: textAt(enrollment, 'id') })}
          />
        ))}
      </ul>
      {textAt(data, 'nextPageToken') !== '' && (
        <Link
          to="/$resource"
          params={{ resource: 'flowEnrollments' }}
          search={{ flowId } as never}
          className={text.link}
        >
          {t('flow.enrolled.all')}
        </Link>
      )}
    </EditorForm>
  );
}

/** Enrolls one customer after the other. */
function Enroll({ flowId }: { flowId: string }) {
  const enroll = useMutation({
    mutationFn: (id: string) => call('enrollCustomers', { id: flowId }, { body: { customerIds: [id] } }),
    onSettled: () => invalidate('flowEnrollments'),
  });
  const [refused] = itemsAt(enroll.data, 'refused');
  return (
    <>
      <ReferencePicker
        key={enroll.submittedAt}
        resource="customers"
        label={labels.operation('enrollCustomers')}
        value=""
        onChange={(id) => id !== '' && enroll.mutate(id)}
      />
      {refused && <p role="alert">{t(`flow.refused.${textAt(refused, 'reason')}`)}</p>}
      <ProblemNote error={enroll.error} />
    </>
  );
}

const acts: readonly StateAct[] = [
  { verb: 'pauseFlowEnrollment', icon: icons.CirclePause, states: ['ACTIVE'] },
  { verb: 'resumeFlowEnrollment', icon: icons.Play, states: ['PAUSED'] },
  { verb: 'exitFlowEnrollment', icon: icons.LogOut, states: ['ACTIVE', 'PAUSED'] },
];

function Enrollment({ flow, enrollment, onAct }: { flow: Json; enrollment: Json; onAct: (verb: string) => void }) {
  const possible = useActs(acts, enrollment);
  const [state, reason] = [textAt(enrollment, 'state'), textAt(enrollment, 'exitReason')];
  // Absent if the user can not read the customer.
  const customerId = textAt(enrollment, 'customerId');
  const next = textAt(enrollment, 'nextTime');
  return (
    <li className={style.approval}>
      <div className={text.grow}>
        {customerId !== '' && <Reference resource="customers" id={customerId} />}
        <p className={`${text.row} ${text.two}`}>
          <Link to="/flowRuns/$id" params={{ id: textAt(enrollment, 'runId') }} className={text.link}>
            {stepOf(flow, enrollment) || t('flow.run')}
          </Link>
          {next !== '' && <span>{t('flow.enrolled.next', { time: format.time(next) })}</span>}
          <span>{t('flow.enrolled.since', { time: format.time(textAt(enrollment, 'entryTime')) })}</span>
        </p>
      </div>
      <Chip tone={state === 'COMPLETED' ? 'good' : 'quiet'}>
        {reason === '' ? labels.value('FlowEnrollmentState', state) : labels.value('FlowExitReason', reason)}
      </Chip>
      {possible.map(({ verb, icon }) => (
        <IconButton key={verb} small name={labels.operation(verb)} icon={icon} onPress={() => onAct(verb)} />
      ))}
    </li>
  );
}

/** The name of the step at which a customer waits, if it follows the version that is shown. */
function stepOf(flow: Json, enrollment: Json): string {
  const path = textAt(enrollment, 'step');
  const isShown =
    flow.hasUnpublishedChanges !== true && textAt(flow, 'activeVersion') === textAt(enrollment, 'version');
  if (path === '' || !isShown || !isJson(flow.definition)) return path;
  const step = linesOf(flow.definition).find(({ id }) => id === `/${path}`)?.step;
  return step ? nameOfStep(step) : path;
}
