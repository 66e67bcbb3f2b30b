import { lazy, Suspense } from 'react';
import { Pending } from '../../app/boundaries.tsx';
import { labels, t } from '../../app/language.ts';
import type { Json } from '../../contract/json.ts';
import { Dialog } from '../../kit/overlay.tsx';

/** Loaded when it is first opened: most visits to a record do not call an operation. */
const OperationForm = lazy(async () => ({ default: (await import('./operation-form.tsx')).OperationForm }));

/** The form of an operation over the screen. What the screen knows already is filled in. */
export function OperationDialog({ id, parameters, body = {}, onClose }: DialogProps) {
  return (
    <Dialog title={labels.operation(id) || t('operation.call')} isOpen onClose={onClose} wide>
      <Suspense fallback={<Pending />}>
        <OperationForm id={id} parameters={parameters} body={body} onClose={onClose} />
      </Suspense>
    </Dialog>
  );
}

interface DialogProps {
  id: string;
  /** Known parameters, which are not asked for. */
  parameters: Json;
  body?: Json;
  onClose: () => void;
}
