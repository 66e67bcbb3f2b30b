import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { ProblemText } from '../../app/boundaries.tsx';
import { format, labels, t } from '../../app/language.ts';
import { Bar, Scroll } from '../../app/shell/shell.tsx';
import { call, invalidate } from '../../contract/api.ts';
import { itemsAt, textAt, type Json } from '../../contract/json.ts';
import { wholeQuery } from '../../contract/whole-list.ts';
import { Ask } from '../../kit/form/ask.tsx';
import { TextField } from '../../kit/form/field.tsx';
import { Nothing } from '../../kit/nothing.tsx';
import { NamedRecord } from '../../kit/record/names.tsx';
import { Button, icons, text } from '../../kit/ui.tsx';
import style from './flows.module.css';

/** The questions of flows that wait for who is signed in. */
export function Approvals() {
  const { data, error } = useQuery(
    wholeQuery('listApprovals', 'approvals', { mine: true, states: ['PENDING'], pageSize: 100 }),
  );
  const approvals = itemsAt(data, 'approvals');
  return (
    <>
      <Bar title={labels.resource('approvals')} beside={t('approvals.count', { count: approvals.length })} />
      <Scroll padded>
        {error && <ProblemText error={error} />}
        {data && approvals.length === 0 && <Nothing title={t('approvals.none')} help={t('approvals.noneHelp')} />}
        <ul className={style.approvals}>
          {approvals.map((approval) => (
            <Approval key={textAt(approval, 'id')} approval={approval} />
          ))}
        </ul>
      </Scroll>
    </>
  );
}

type Verb = 'approveApproval' | 'rejectApproval';

function Approval({ approval }: { approval: Json }) {
  const [verb, setVerb] = useState<Verb>();
  return (
    <li className={style.approval}>
      <div className={text.grow}>
        <h2>{textAt(approval, 'question')}</h2>
        <p className={`${text.row} ${text.two}`}>
          <Link to="/flowRuns/$id" params={{ id: textAt(approval, 'runId') }} className={text.link}>
            {textAt(approval, 'flowName')}
          </Link>
          <NamedRecord value={approval.record} />
          <span>{t('approvals.due', { time: format.time(textAt(approval, 'dueTime')) })}</span>
        </p>
      </div>
      <Button icon={icons.X} onPress={() => setVerb('rejectApproval')}>
        {labels.operation('rejectApproval')}
      </Button>
      <Button kind="primary" icon={icons.Check} onPress={() => setVerb('approveApproval')}>
        {labels.operation('approveApproval')}
      </Button>
      {verb && <Reply approval={approval} verb={verb} onClose={() => setVerb(undefined)} />}
    </li>
  );
}

function Reply({ approval, verb, onClose }: { approval: Json; verb: Verb; onClose: () => void }) {
  const [comment, setComment] = useState('');
  const send = async () => {
    await call(verb, { id: textAt(approval, 'id') }, { body: comment === '' ? {} : { comment } });
    await invalidate('approvals');
  };
  return (
    <Ask
      title={textAt(approval, 'question')}
      acts={[{ name: labels.operation(verb), run: send }]}
      onClose={onClose}
      names={['comment']}
    >
      {(faults) => (
        <TextField
          label={labels.field('ApprovalReply', 'comment')}
          lines={3}
          value={comment}
          onChange={setComment}
          error={faults.get('/comment')}
          autoFocus
        />
      )}
    </Ask>
  );
}
