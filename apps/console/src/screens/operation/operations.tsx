import { Link } from '@tanstack/react-router';
import { useDeferredValue, useRef, useState } from 'react';
import { Input, SearchField } from 'react-aria-components';
import { useMay } from '../../app/resource.ts';
import { labels, t } from '../../app/language.ts';
import { Bar, Scroll } from '../../app/shell/shell.tsx';
import { useShortcut } from '../../app/shortcuts.ts';
import { useSentences } from '../../contract/api.ts';
import { theContract, type Operation } from '../../contract/contract.ts';
import { Icon, icons, Key, text } from '../../kit/ui.tsx';
import style from './operation.module.css';
import { Verb } from './operation.tsx';

/** All operations of the API, to be tried. */
export function Operations() {
  useSentences();
  const [typed, setTyped] = useState('');
  const sought = useDeferredValue(typed.trim().toLowerCase());
  const input = useRef<HTMLInputElement>(null);
  useShortcut('/', 'operation.find', () => input.current?.focus());
  const found = theContract().operations.filter((operation) => matches(operation, sought));
  const groups = [...Map.groupBy(found, ({ group }) => group)];
  return (
    <>
      <Bar title={t('nav.api')} beside={t('operation.count', { count: found.length })}>
        <SearchField aria-label={t('operation.find')} value={typed} onChange={setTyped} className={style.find}>
          <Icon of={icons.Search} />
          <Input ref={input} className={style.findInput} />
          <Key>/</Key>
        </SearchField>
      </Bar>
      <Scroll padded>
        {groups.length === 0 && <p className={text.two}>{t('operation.nothing', { typed })}</p>}
        {groups.map(([group, operations]) => (
          <section key={group} className={style.groupList}>
            <h2>{group}</h2>
            <ul>
              {operations.map((operation) => (
                <Entry key={operation.id} operation={operation} />
              ))}
            </ul>
          </section>
        ))}
      </Scroll>
    </>
  );
}

function Entry({ operation }: { operation: Operation }) {
  const may = useMay({});
  return (
    <li>
      <Link to="/operations/$operation" params={{ operation: operation.id }} className={style.entry}>
        <Verb verb={operation.verb} />
        <span className={text.cut}>{labels.operation(operation.id)}</span>
        <code className={`${text.cut} ${style.entryPath}`}>{operation.path}</code>
        {!may(operation.id) && (
          <span className={style.lacks} title={`${t('operation.needs')} ${operation.permission}`}>
            <Icon of={icons.Lock} small />
            <span className={text.hidden}>
              {t('operation.needs')} {operation.permission}
            </span>
          </span>
        )}
      </Link>
    </li>
  );
}

function matches({ id, path, group, summary }: Operation, sought: string): boolean {
  const all = [id, path, group, summary, labels.operation(id)].join(' ').toLowerCase();
  return sought.split(' ').every((word) => all.includes(word));
}
