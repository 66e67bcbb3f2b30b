import { ArrowDown, ArrowUp, Columns3 } from 'lucide-react';
import { useState } from 'react';
import { Checkbox, Dialog, DialogTrigger, Popover } from 'react-aria-components';
import { t } from '../../../app/language.ts';
import { Button, IconButton } from '../../../kit/ui.tsx';
import text from '../../../style/text.module.css';
import type { ListColumn } from '../columns.tsx';
import style from '../list.module.css';

interface ColumnMenuProps {
  columns: readonly ListColumn[];
  chosen: readonly ListColumn[];
  /** Undefined for the usual ones. */
  onChange: (ids: string[] | undefined) => void;
}

/** Which columns a list has, and in which order. The name is always the first. */
export function ColumnMenu({ columns, chosen, onChange }: ColumnMenuProps) {
  const [wanted, setWanted] = useState('');
  const ids = chosen.slice(1).map(({ id }) => id);
  const others = columns.slice(1).filter(({ id }) => !ids.includes(id));
  const found = others.filter(({ name, id }) => `${name} ${id}`.toLowerCase().includes(wanted.toLowerCase()));
  const move = (index: number, step: number) => {
    const next = [...ids];
    const [id] = next.splice(index, 1);
    if (id !== undefined) next.splice(index + step, 0, id);
    onChange(next);
  };
  return (
    <DialogTrigger>
      <Button icon={Columns3}>{t('list.columns')}</Button>
      <Popover className={style.popover} placement="bottom end" offset={4}>
        <Dialog className={style.columns} aria-label={t('list.columns')}>
          <ul>
            {chosen.slice(1).map(({ id, name }, index) => (
              <li key={id} className={style.columnRow}>
                <ColumnBox name={name} isOn onChange={() => onChange(ids.filter((each) => each !== id))} />
                <IconButton
                  small
                  icon={ArrowUp}
                  name={t('list.columnUp', { name })}
                  isDisabled={index === 0}
                  onPress={() => move(index, -1)}
                />
                <IconButton
                  small
                  icon={ArrowDown}
                  name={t('list.columnDown', { name })}
                  isDisabled={index === ids.length - 1}
                  onPress={() => move(index, 1)}
                />
              </li>
            ))}
          </ul>
          <input
            className={style.search}
            value={wanted}
            aria-label={t('list.findColumn')}
            placeholder={t('list.findColumn')}
            onChange={({ target }) => setWanted(target.value)}
          />
          <ul className={style.others}>
            {found.map(({ id, name }) => (
              <li key={id} className={style.columnRow}>
                <ColumnBox name={name} isOn={false} onChange={() => onChange([...ids, id])} />
              </li>
            ))}
          </ul>
          <Button small kind="bare" onPress={() => onChange(undefined)}>
            {t('list.usualColumns')}
          </Button>
        </Dialog>
      </Popover>
    </DialogTrigger>
  );
}

function ColumnBox({ name, isOn, onChange }: { name: string; isOn: boolean; onChange: () => void }) {
  return (
    <Checkbox isSelected={isOn} onChange={onChange} className={style.columnBox}>
      <span className={style.tick} aria-hidden />
      <span className={text.cut}>{name}</span>
    </Checkbox>
  );
}
