import { useState } from 'react';
import { labels } from '../../app/language.ts';
import { useMay } from '../../app/resource.ts';
import type { Json } from '../../contract/json.ts';
import { Button, type ButtonProps } from '../../kit/ui.tsx';
import { OperationDialog } from '../operation/operation-dialog.tsx';

interface OperationButtonProps extends Pick<ButtonProps, 'icon'> {
  id: string;
  parameters: Json;
  body?: Json;
}

/** Opens the form of an operation, with what the screen knows filled in; absent where the session may not do it. */
export function OperationButton({ id, parameters, body, icon }: OperationButtonProps) {
  const [isOpen, setIsOpen] = useState(false);
  if (!useMay()(id)) return null;
  return (
    <>
      <Button small onPress={() => setIsOpen(true)} {...(icon && { icon })}>
        {labels.operation(id)}
      </Button>
      {isOpen && <OperationDialog {...{ id, parameters, body }} onClose={() => setIsOpen(false)} />}
    </>
  );
}
