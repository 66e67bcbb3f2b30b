import { useInfiniteQuery, useMutation, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTitles } from '../../kit/record/names.tsx';
import { Failure, Pending, ProblemText } from '../../app/boundaries.tsx';
import { useLanguage } from '../../app/language.ts';
import { Bar } from '../../app/shell/shell.tsx';
import { useShortcut } from '../../app/shortcuts.ts';
import { call, invalidate, itemsAt, listQuery, readQuery, textAt, type Json } from '../../contract/api.ts';
import { theContract } from '../../contract/contract.ts';
import { Nothing } from '../../kit/nothing.tsx';
import { Split } from '../../kit/split.tsx';
import { notify } from '../../kit/toast.tsx';
import { Button, Chip, Face, Icon, Key } from '../../kit/ui.tsx';
import text from '../../style/text.module.css';
import { Candidates } from './candidates.tsx';
import { choicesOf, kindIcons } from './choices.ts';
import style from './conflicts.module.css';
import { Sides } from './sides.tsx';

/** Records that both sides of a connection changed, and the other questions of the exchange, with their answers. */
export function Conflicts() {
  const { t } = useLanguage();
  const resource = theContract().resource('syncConflicts');
  if (!resource) throw new Error('The contract has no syncConflicts.');
  const { data, error, isPending } = useInfiniteQuery(listQuery(resource));
  const conflicts = data?.pages.flatMap(({ items }) => items).filter((each) => textAt(each, 'choice') === '') ?? [];
  const titles = useTitles(
    'customers',
    conflicts.map((each) => textAt(each, 'customerId')),
  );
  const names = (conflict: Json) => titles.get(textAt(conflict, 'customerId')) ?? (textAt(conflict, 'recordId') || '…');
  const [chosenId, setChosenId] = useState<string>();
  const open = conflicts.find((each) => textAt(each, 'id') === chosenId) ?? conflicts[0];
  const step = (by: number) => {
    const next = conflicts[conflicts.findIndex((each) => each === open) + by];
    if (next) setChosenId(textAt(next, 'id'));
  };
  useShortcut('j', 'conflicts.next', () => step(1));
  useShortcut('k', 'conflicts.previous', () => step(-1));
  useShortcut('s', 'conflicts.skip', () => step(1));
  if (error) return <Failure error={error} reset={() => undefined} />;
  if (isPending) return <Pending />;
  return (
    <>
      <Bar title={t('nav.conflicts')} beside={t('conflicts.count', { count: conflicts.length })} />
      {open ? (
        <Split
          label={t('nav.conflicts')}
          openId={textAt(open, 'id')}
          onOpen={setChosenId}
          items={conflicts.map((each) => ({
            id: textAt(each, 'id'),
            name: names(each),
            content: <ConflictLine conflict={each} name={names(each)} />,
          }))}
        >
          <Conflict key={textAt(open, 'id')} conflict={open} name={names(open)} />
        </Split>
      ) : (
        <Nothing title={t('conflicts.none')} help={t('conflicts.noneHelp')} />
      )}
    </>
  );
}

function ConflictLine({ conflict, name }: { conflict: Json; name: string }) {
  const { labels, format } = useLanguage();
  const kind = textAt(conflict, 'kind');
  return (
    <>
      <Face name={name} size="middle" />
      <span className={style.line}>
        <span className={text.cut}>{name}</span>
        <span className={text.meta}>{labels.value('SyncConflictKind', kind)}</span>
      </span>
      <span className={text.meta}>{format.time(textAt(conflict, 'createTime'))}</span>
    </>
  );
}

function Conflict({ conflict, name }: { conflict: Json; name: string }) {
  const { t, labels } = useLanguage();
  const kind = textAt(conflict, 'kind');
  const customerId = textAt(conflict, 'customerId');
  const mapping = useQuery(readQuery('getMapping', { id: textAt(conflict, 'mappingId') }));
  const connectionId = textAt(mapping.data, 'connectionId');
  const connection = useQuery(readQuery('getConnection', { id: connectionId }, connectionId !== ''));
  const peer = textAt(connection.data, 'displayName') || t('conflicts.peer');
  const resolve = useResolve(conflict);
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
      {resolve.error && (
        <div className={style.problem} role="alert">
          <ProblemText error={resolve.error} />
        </div>
      )}
      <footer className={style.foot}>
        <span className={text.grow}>{t('conflicts.both')}</span>
        <span className={text.row}>
          {t('conflicts.skip')} <Key>S</Key>
        </span>
        <Choices
          conflict={conflict}
          peer={peer}
          isPending={resolve.isPending}
          onChoose={(choice) => resolve.mutate({ choice })}
        />
      </footer>
    </>
  );
}

function Choices({ conflict, peer, isPending, onChoose }: ChoicesProps) {
  const { t } = useLanguage();
  const choices = choicesOf(conflict);
  return choices.map(({ choice, icon }, index) => (
    <ChoiceButton key={choice} number={index + 1} onPress={() => onChoose(choice)} isDisabled={isPending}>
      <Icon of={icon} />
      {t(`conflicts.choice.${choice}`, { peer })}
    </ChoiceButton>
  ));
}

interface ChoicesProps {
  conflict: Json;
  peer: string;
  isPending: boolean;
  onChoose: (choice: string) => void;
}

function ChoiceButton({ number, onPress, isDisabled, children }: ChoiceButtonProps) {
  useShortcut(String(number), 'conflicts.choose', onPress, !isDisabled);
  return (
    <Button
      kind={number === 1 ? 'primary' : 'plain'}
      shortcut={String(number)}
      onPress={onPress}
      isDisabled={isDisabled}
    >
      {children}
    </Button>
  );
}

interface ChoiceButtonProps {
  number: number;
  onPress: () => void;
  isDisabled: boolean;
  children: React.ReactNode;
}

function useResolve(conflict: Json) {
  const { t } = useLanguage();
  return useMutation({
    mutationFn: (body: { choice: string; customerId?: string }) =>
      call('resolveSyncConflict', { id: textAt(conflict, 'id') }, { body }),
    onSuccess: async () => {
      notify({ text: t('conflicts.chosen') });
      await invalidate('syncConflicts');
    },
  });
}
