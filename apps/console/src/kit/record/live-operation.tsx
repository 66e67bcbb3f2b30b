import { useMutation, useQuery } from '@tanstack/react-query';
import { useEffect, useEffectEvent, useState } from 'react';
import { problemText } from '../../app/boundaries.tsx';
import { format, labels, t } from '../../app/language.ts';
import { call, download, follow, invalidate, Problem, queryClient, readQuery } from '../../contract/api.ts';
import { itemsAt, textAt, valueAt, type Json } from '../../contract/json.ts';
import { saveFile } from '../notices.ts';
import { Button, Chip, icons, text, Ticks, type IconType } from '../ui.tsx';
import { FormFault } from '../form/form-faults.tsx';
import style from './live-operation.module.css';

/** States in which nothing more comes. */
const ended = ['SUCCEEDED', 'FAILED', 'CANCELLED', 'UNDONE'];

/**
 * An operation that takes a while, such as an import: how far it is, and what can be done with it.
 *
 * @param id of the operation
 * @param onEnd when it has ended
 */
export function LiveOperation({ id, title, onEnd }: { id: string; title?: string; onEnd?: (operation: Json) => void }) {
  const { operation, isLost, restart } = useOperation(id, onEnd);
  const [isListed, setIsListed] = useState(false);
  if (!operation) return <p className={text.two}>{t('job.reading')}</p>;
  const state = textAt(operation, 'state');
  const issues = countOf(operation, 'issues');
  return (
    <section
      className={style.job}
      aria-label={title ?? labels.value('Operation.Kind', textAt(operation, 'kind'))}
      aria-live="polite"
    >
      <header className={text.row}>
        <span className={`${text.strong} ${text.cut}`}>
          {title ?? labels.value('Operation.Kind', textAt(operation, 'kind'))}
        </span>
        <span className={text.grow} />
        <Chip tone={state === 'FAILED' ? 'danger' : state === 'PAUSED' ? 'warn' : 'quiet'}>
          {labels.value('Operation.State', state)}
        </Chip>
      </header>
      <Progress operation={operation} />
      {isLost && <p className={text.meta}>{t('job.lost')}</p>}
      {state === 'FAILED' && <p className={text.danger}>{problemText(operation.error)}</p>}
      <Actions operation={operation} onDone={restart} />
      {issues > 0 && (
        <Button small kind="bare" icon={icons.TriangleAlert} onPress={() => setIsListed(!isListed)}>
          {t('job.issues', { count: issues })}
        </Button>
      )}
      {isListed && <Issues id={id} />}
    </section>
  );
}

interface LiveState {
  operation: Json | undefined;
  isLost: boolean;
  /** Follows it anew, as after an undo of one that had ended. */
  restart: () => void;
}

/** The operation by its which is opened again where it breaks. */
function useOperation(id: string, onEnd?: (operation: Json) => void): LiveState {
  const [operation, setOperation] = useState<Json>();
  const [isLost, setIsLost] = useState(false);
  const [round, setRound] = useState(0);
  const end = useEffectEvent((last: Json) => onEnd?.(last));
  useEffect(() => {
    const controller = new AbortController();
    const onMessage = (message: Json) => {
      setOperation(message);
      setIsLost(false);
      queryClient.setQueryData(readQuery('getOperation', { id }).queryKey, message);
      if (!ended.includes(textAt(message, 'state'))) return;
      end(message);
      void invalidate('operations');
    };
    // A stream that ended has said all, and what the request causes is not tried again.
    const goesOn = (problem: unknown) => {
      if (problem === undefined || (problem instanceof Problem && problem.status >= 400 && problem.status < 500))
        return false;
      setIsLost(true);
      return true;
    };
    void follow('watchOperation', () => ({ id }), controller.signal, onMessage, goesOn);
    return () => controller.abort();
  }, [id, round]);
  return { operation, isLost, restart: () => setRound(round + 1) };
}

/** The figure, the scale, what became of the rows, and about how long it takes. */
function Progress({ operation }: { operation: Json }) {
  const state = textAt(operation, 'state');
  const rows = countOf(operation, 'rows');
  const share = shareOf(operation, state);
  const counts = ['created', 'updated', 'unchanged', 'joined', 'failed', 'undone'].filter(
    (name) => countOf(operation, name) > 0,
  );
  const isMiddle = share > 0 && share < 1 && rows > 0;
  return (
    <>
      <p>
        <span className={text.figure}>{format.number(rows)}</span>{' '}
        <span className={text.two}>
          {isMiddle ? t('job.rowsOf', { count: Math.round(rows / share) }) : t('job.rows')}
        </span>
      </p>
      <Ticks
        label={t('job.progress', { percent: format.percent(share) })}
        count={48}
        height={10}
        value={share}
        failed={(share * countOf(operation, 'failed')) / Math.max(rows, 1)}
        tone={tones[state] ?? 'accent'}
      />
      <p className={text.meta}>
        {counts.map((name) => t(`job.${name}`, { count: countOf(operation, name) })).join(', ')}
        <Left operation={operation} share={share} />
      </p>
    </>
  );
}

const tones: Readonly<Record<string, 'warn' | 'danger'>> = { FAILED: 'danger', PAUSED: 'warn', CANCELLED: 'warn' };

function shareOf(operation: Json, state: string): number {
  if (['SUCCEEDED', 'UNDONE'].includes(state)) return 1;
  const [done, all] = [Number(operation.processedBytes ?? 0), Number(operation.receivedBytes ?? 0)];
  return all > 0 ? done / all : 0;
}

function Left({ operation, share }: { operation: Json; share: number }) {
  const seconds = secondsLeft(operation, share);
  if (seconds === undefined) return null;
  return (
    <> {seconds < 90 ? t('job.seconds', { count: seconds }) : t('job.minutes', { count: Math.round(seconds / 60) })}</>
  );
}

/** By the pace so far; undefined until a part is done. */
function secondsLeft(operation: Json, share: number): number | undefined {
  const start = Date.parse(textAt(operation, 'startTime'));
  if (Number.isNaN(start) || share < 0.02 || share >= 1 || operation.state !== 'RUNNING') return undefined;
  return Math.max(1, Math.round((((Date.now() - start) / share) * (1 - share)) / 1_000));
}

const acts: readonly { operation: string; icon: IconType; states: readonly string[] }[] = [
  { operation: 'pauseOperation', icon: icons.Pause, states: ['RUNNING'] },
  { operation: 'resumeOperation', icon: icons.Play, states: ['PAUSED'] },
  { operation: 'cancelOperation', icon: icons.X, states: ['WAITING', 'RUNNING', 'PAUSED'] },
  { operation: 'undoOperation', icon: icons.Undo2, states: ['SUCCEEDED', 'CANCELLED', 'FAILED'] },
];

/** What can be done in the state that it is in. Only rows of an import can be taken back. */
function Actions({ operation, onDone }: { operation: Json; onDone: () => void }) {
  const [state, kind] = [textAt(operation, 'state'), textAt(operation, 'kind')];
  const possible = acts.filter(({ states }) => states.includes(state));
  return (
    <span className={style.acts}>
      {possible
        .filter((act) => act.operation !== 'undoOperation' || kind === 'IMPORT')
        .map((act) => (
          <Act key={act.operation} id={textAt(operation, 'id')} {...act} onDone={onDone} />
        ))}
    </span>
  );
}

function Act({ id, operation, icon, onDone }: { id: string; operation: string; icon: IconType; onDone: () => void }) {
  const write = useMutation({ mutationFn: () => call(operation, { id }), onSuccess: onDone });
  return (
    <>
      <Button small icon={icon} isPending={write.isPending} onPress={() => write.mutate()}>
        {t(`job.${operation}`)}
      </Button>
      <FormFault error={write.error} names={[]} />
    </>
  );
}

/** The first rows that could not be taken as they are. */
const severities: Readonly<Record<string, 'danger' | 'warn'>> = { ERROR: 'danger', WARNING: 'warn' };

function Issues({ id }: { id: string }) {
  const { data } = useQuery(readQuery('listOperationIssues', { id, pageSize: 50 }));
  const save = useMutation({
    mutationFn: async () => saveFile(await download('downloadOperationIssues', { id }), 'issues.csv'),
  });
  return (
    <>
      <ul className={style.issues}>
        {itemsAt(data, 'issues').map((issue, index) => (
          <li key={index}>
            <span className={text.meta}>{t('job.line', { line: textAt(issue, 'line') })}</span>{' '}
            <Chip tone={severities[textAt(issue, 'severity')] ?? 'info'}>
              {labels.value('ImportIssue.Severity', textAt(issue, 'severity'))}
            </Chip>{' '}
            {issueText(issue)}
          </li>
        ))}
      </ul>
      <Button small icon={icons.Download} isPending={save.isPending} onPress={() => save.mutate()}>
        {t('job.download')}
      </Button>
      <FormFault error={save.error} names={[]} />
    </>
  );
}

/** What is wrong, after the name of the field that a path such as `emails[0].address` or `customFields.plan` begins with. */
function issueText(issue: Json): string {
  const [name = ''] = textAt(issue, 'field')
    .replace(/^customFields\./, '')
    .split(/[.[]/);
  const fault = labels.fault(textAt(issue, 'reason'), textAt(issue, 'message'));
  return name === '' ? fault : t('error.at', { field: labels.field('', name), fault });
}

function countOf(operation: Json, name: string): number {
  return Number(valueAt(operation, `counts.${name}`) ?? 0);
}
