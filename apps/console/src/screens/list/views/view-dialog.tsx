import { useState } from 'react';
import { Checkbox } from 'react-aria-components';
import { Ask } from '../../../kit/form/ask.tsx';
import { t } from '../../../app/language.ts';
import { call, invalidate, textAt, type Json } from '../../../contract/api.ts';
import { TextField } from '../../../kit/form/field.tsx';
import style from '../list.module.css';

interface ViewDialogProps {
  onClose: () => void;
  /** What the view keeps. */
  state: Json;
  onSaved: (id: string) => void;
}

/** Asks for the name of a new view. */
export function ViewDialog({ onClose, state, onSaved }: ViewDialogProps) {
  const [name, setName] = useState('');
  const [isShared, setShared] = useState(false);
  const save = async () => {
    const view = await call('createView', {}, { body: { ...state, name, shared: isShared } });
    await invalidate('views');
    onSaved(textAt(view, 'id'));
  };
  return (
    <Ask title={t('views.save')} acts={[{ name: t('views.saveDo'), run: save }]} onClose={onClose} names={['name']}>
      {(faults) => (
        <>
          <TextField label={t('views.nameOf')} value={name} onChange={setName} error={faults.get('/name')} autoFocus />
          <Checkbox isSelected={isShared} onChange={setShared} className={style.columnBox}>
            <span className={style.tick} aria-hidden />
            {t('views.share')}
          </Checkbox>
        </>
      )}
    </Ask>
  );
}
