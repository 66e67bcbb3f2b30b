import { useMutation } from '@tanstack/react-query';
import { useId, type ReactNode } from 'react';
import { t } from '../../app/language.ts';
import { Dialog } from '../overlay.tsx';
import { Button } from '../ui.tsx';
import { faultsOf, FormFault, type Faults } from './form-faults.tsx';
import style from './form.module.css';

/** A dialog with inputs. It closes when what was asked for is done; until then it has the sentences of the server. */
export function Ask({ title, acts, onClose, names, children }: AskProps) {
  const { mutate, error, isPending } = useMutation({
    mutationFn: (run: () => unknown) => Promise.resolve(run()),
    onSuccess: onClose,
  });
  const form = useId();
  const last = acts.at(-1);
  // A form with several inputs is sent by Enter only if it has a button that sends it.
  const buttons = acts.map(({ name, run }) =>
    run === last?.run ? (
      <Button key={name} kind="primary" isPending={isPending} type="submit" form={form}>
        {name}
      </Button>
    ) : (
      <Button key={name} isPending={isPending} onPress={() => mutate(run)}>
        {name}
      </Button>
    ),
  );
  return (
    <Dialog
      title={title}
      isOpen
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>{t('form.cancel')}</Button>
          {buttons}
        </>
      }
    >
      <form
        id={form}
        className={style.ask}
        onSubmit={(event) => {
          event.preventDefault();
          if (last && !isPending) mutate(last.run);
        }}
      >
        {children(faultsOf(error))}
        <FormFault error={error} names={names} />
      </form>
    </Dialog>
  );
}

interface AskProps {
  title: string;
  /** What can be done, the usual one last. */
  acts: readonly { name: string; run: () => unknown }[];
  onClose: () => void;
  /** Fields that show their own faults. */
  names: readonly string[];
  children: (faults: Faults) => ReactNode;
}
