import { useMutation, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { ProblemNote } from '../../app/boundaries.tsx';
import { useTitles } from '../../kit/record/names.tsx';
import { format, labels, t } from '../../app/language.ts';
import { Bar } from '../../app/shell/shell.tsx';
import { useShortcut } from '../../app/shortcuts.ts';
import { call, invalidate, itemsAt, readQuery, textAt, useItems, type Json } from '../../contract/api.ts';
import { Nothing } from '../../kit/nothing.tsx';
import { Split, SplitFoot, SplitLine } from '../../kit/split.tsx';
import { notify } from '../../kit/toast.tsx';
import { Button, Chip, Face, Key, type ButtonProps } from '../../kit/ui.tsx';
import text from '../../style/text.module.css';
import { Candidates } from './candidates.tsx';
import { choicesOf, kindIcons } from './choices.ts';
import style from './conflicts.module.css';
import { Sides } from './sides.tsx';

/** Records that both sides of a connection changed, and the other questions of the exchange, with their answers. */
export function Conflicts() {
  const { items } = useItems('syncConflicts');
  const conflicts = items.filter((each) => textAt(each, 'choice') === '');
  const titles = useTitles(
    'customers',
    conflicts.map((each) => textAt(each, 'customerId')),
  );
  const names = (conflict: Json) => titles.get(textAt(conflict, 'customerId')) ?? (textAt(conflict, 'recordId') || '…');
  return (
    <>
      <Bar title={t('nav.conflicts')} beside={t('conflicts.count', { count: conflicts.length })} />
      {conflicts.length > 0 ? (
        <Split
          label={t('nav.conflicts')}
          items={conflicts}
          idOf={(each) => textAt(each, 'id')}
          nameOf={names}
          line={(each) => <ConflictLine conflict={each} name={names(each)} />}
        >
          {(open, next) =>
            open && <Conflict key={textAt(open, 'id')} conflict={open} name={names(open)} onSkip={next} />
          }
        </Split>
      ) : (
        <Nothing title={t('conflicts.none')} help={t('conflicts.noneHelp')} />
      )}
    </>
  );
}

function ConflictLine({ conflict, name }: { conflict: Json; name: string }) {
  const kind = textAt(conflict, 'kind');
  return (
    <>
      <Face name={name} size="middle" />
      <SplitLine name={name} below={labels.value('SyncConflictKind', kind)} />
      <span className={text.meta}>{format.time(textAt(conflict, 'createTime'))}</span>
    </>
  );
}

function Conflict({ conflict, name, onSkip }: { conflict: Json; name: string; onSkip: () => void }) {
  const kind = textAt(conflict, 'kind');
  const customerId = textAt(conflict, 'customerId');
  const mapping = useQuery(readQuery('getMapping', { id: textAt(conflict, 'mappingId') }));
  const connectionId = textAt(mapping.data, 'connectionId');
  const connection = useQuery(readQuery('getConnection', { id: connectionId }, connectionId !== ''));
  const peer = textAt(connection.data, 'displayName') || t('conflicts.peer');
  const resolve = useResolve(conflict);
  useShortcut('s', 'conflicts.skip', onSkip);
  return (
    <>
      <header className={style.head}>
        <Face name={name} size="big" />
        <div className={text.grow}>
          <h2>
            {customerId === '' ? (
              name
            ) : (
              <Link to="/$resource/$id" params={{ resource: 'customers', id: customerId }}>
                {name}
              </Link>
            )}
          </h2>
          <p className={text.two}>{textAt(conflict, 'message')}</p>
        </div>
        <Chip tone="warn" icon={kindIcons[kind]}>
          {labels.value('SyncConflictKind', kind)}
        </Chip>
      </header>
      {itemsAt(conflict, 'fields').length > 0 && <Sides fields={itemsAt(conflict, 'fields')} peer={peer} />}
      {itemsAt(conflict, 'candidates').length > 0 && (
        <Candidates
          candidates={itemsAt(conflict, 'candidates')}
          onLink={(id) => resolve.mutate({ choice: 'LINK', customerId: id })}
        />
      )}
      <ProblemNote error={resolve.error} />
      <SplitFoot>
        <span className={text.grow}>{t('conflicts.both')}</span>
        <span className={text.row}>
          {t('conflicts.skip')} <Key>S</Key>
        </span>
        {choicesOf(conflict).map(({ choice, icon }, index) => (
          <ChoiceButton
            key={choice}
            number={index + 1}
            icon={icon}
            onPress={() => resolve.mutate({ choice })}
            isDisabled={resolve.isPending}
          >
            {t(`conflicts.choice.${choice}`, { peer })}
          </ChoiceButton>
        ))}
      </SplitFoot>
    </>
  );
}

function ChoiceButton({ number, ...rest }: ButtonProps & { number: number; onPress: () => void }) {
  useShortcut(String(number), 'conflicts.choose', rest.onPress, rest.isDisabled !== true);
  return <Button {...rest} kind={number === 1 ? 'primary' : 'plain'} shortcut={String(number)} />;
}

function useResolve(conflict: Json) {
  return useMutation({
    mutationFn: (body: { choice: string; customerId?: string }) =>
      call('resolveSyncConflict', { id: textAt(conflict, 'id') }, { body }),
    onSuccess: async () => {
      notify(t('conflicts.chosen'));
      await invalidate('syncConflicts');
    },
  });
}
