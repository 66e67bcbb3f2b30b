import { t } from '../../app/language.ts';
import { keyText } from '../../app/shortcuts.ts';
import { Button, icons, type ButtonProps } from '../ui.tsx';
import type { Draft } from './use-draft.ts';

interface SaveButtonProps extends Pick<ButtonProps, 'kind'> {
  draft: Pick<Draft, 'isEdited' | 'isPending' | 'save'>;
}

/** Saves a record that is edited on a screen of its own. */
export function SaveButton({ draft, kind = 'primary' }: SaveButtonProps) {
  return (
    <Button
      kind={kind}
      icon={icons.Check}
      shortcut={keyText('mod+enter')}
      isDisabled={!draft.isEdited}
      isPending={draft.isPending}
      onPress={draft.save}
    >
      {t('form.save')}
    </Button>
  );
}
