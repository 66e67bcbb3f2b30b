import { useState } from 'react';
import { Principal } from '../../kit/record/names.tsx';
import { format, t } from '../../app/language.ts';
import { textAt, valueAt, type Json } from '../../contract/json.ts';
import { Choice, type Side } from '../../kit/record/diff.tsx';
import { nameOf } from '../../kit/form/form-field.ts';
import { Button, Icon, icons, join, text } from '../../kit/ui.tsx';
import type { Item } from './item.ts';
import style from './record.module.css';
import type { Conflict, Saving } from './save.ts';

/** What another user saved meanwhile, beside what was typed here, field by field. */
export function ConflictPanel({
  item,
  saving,
  conflict,
  onEnd,
}: {
  item: Item;
  saving: Saving;
  conflict: Conflict;
  onEnd: () => void;
}) {
  const [sides, setSides] = useState<Readonly<Record<string, Side>>>({});
  const { theirs, yours, savedCount } = conflict;
  const names = Object.keys(yours);
  const settle = (isYours: (name: string) => boolean) => {
    const taken: Json = Object.fromEntries(names.filter(isYours).map((name) => [name, yours[name]]));
    void saving.settle(taken).then((isSettled) => isSettled && onEnd());
  };
  return (
    <div className={join(text.stack, style.conflict)} role="alert">
      <div className={style.warning}>
        <Icon of={icons.TriangleAlert} />
        <p>
          <Principal name={textAt(theirs, 'updatedBy')} />{' '}
          {t('conflict.saved', { time: format.time(textAt(theirs, 'updateTime')) })}{' '}
          {savedCount > 0 && t('conflict.rest', { count: savedCount })}
        </p>
      </div>
      {names.map((name) => (
        <Choice
          key={name}
          label={nameOf(item.fieldOf(name), item.resource.message)}
          field={item.fieldOf(name)}
          theirs={valueAt(theirs, name)}
          yours={yours[name]}
          side={sides[name] ?? 'theirs'}
          onChange={(side) => setSides({ ...sides, [name]: side })}
        />
      ))}
      <span className={style.buttons}>
        <Button small onPress={() => settle(() => true)}>
          {t('conflict.keepMine')}
        </Button>
        <Button small kind="primary" onPress={() => settle((name) => sides[name] === 'yours')}>
          {t(Object.keys(sides).length > 0 ? 'conflict.chosen' : 'conflict.takeTheirs')}
        </Button>
      </span>
    </div>
  );
}

/** What was typed into a record that someone has deleted since. */
export function DeletedNote() {
  return (
    <div className={style.warning} role="alert">
      <Icon of={icons.TriangleAlert} />
      <p>{t('record.deletedMeanwhile')}</p>
    </div>
  );
}
