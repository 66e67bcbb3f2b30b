import { useLanguage } from '../../app/language.ts';
import type { Json } from '../../contract/api.ts';
import { Dialog } from '../../kit/overlay.tsx';
import { OperationForm } from './operation-form.tsx';

/** The form of an operation over the screen. What the screen knows already is filled in. */
export function OperationDialog({ id, parameters, body = {}, onClose }: DialogProps) {
  const { t, labels } = useLanguage();
  return (
    <Dialog title={labels.operation(id) || t('operation.call')} isOpen onClose={onClose} wide>
      <OperationForm id={id} parameters={parameters} body={body} onClose={onClose} />
    </Dialog>
  );
}

interface DialogProps {
  id: string;
  /** Known parameters, which are not asked for. */
  parameters: Json;
  /** Known values of the body. */
  body?: Json;
  onClose: () => void;
}
