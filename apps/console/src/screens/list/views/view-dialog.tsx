import { useState } from 'react';
import { Checkbox } from 'react-aria-components';
import { useLanguage } from '../../../app/language.ts';
import { call, invalidate, Problem, textAt, type Json } from '../../../contract/api.ts';
import { TextField } from '../../../kit/form/field.tsx';
import { Dialog } from '../../../kit/overlay.tsx';
import { Button } from '../../../kit/ui.tsx';
import style from '../list.module.css';

interface ViewDialogProps {
  isOpen: boolean;
  onClose: () => void;
  /** What the view keeps. */
  state: Json;
  onSaved: (id: string) => void;
}

/** Asks for the name of a new view. */
export function ViewDialog({ isOpen, onClose, state, onSaved }: ViewDialogProps) {
  const { t } = useLanguage();
  const [name, setName] = useState('');
  const [isShared, setShared] = useState(false);
  const [error, setError] = useState<string>();
  const save = async () => {
    try {
      const view = await call('createView', {}, { body: { ...state, name, shared: isShared } });
      await invalidate('views');
      onSaved(textAt(view, 'id'));
      setName('');
      onClose();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      setError(problem.errors[0]?.detail ?? problem.message);
    }
  };
  return (
    <Dialog
      title={t('views.save')}
      isOpen={isOpen}
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>{t('list.cancel')}</Button>
          <Button kind="primary" onPress={() => void save()}>
            {t('views.saveDo')}
          </Button>
        </>
      }
    >
      <form
        className={style.form}
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <TextField label={t('views.nameOf')} value={name} onChange={setName} error={error} autoFocus />
        <Checkbox isSelected={isShared} onChange={setShared} className={style.columnBox}>
          <span className={style.tick} aria-hidden />
          {t('views.share')}
        </Checkbox>
      </form>
    </Dialog>
  );
}
