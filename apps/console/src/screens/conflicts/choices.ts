import { Copy, Link2, Merge, Repeat, RefreshCw, ShieldX, Split, Trash2, Undo2 } from 'lucide-react';
import { textAt, type Json } from '../../contract/api.ts';
import type { IconType } from '../../kit/ui.tsx';

export interface Choice {
  /** A value of SyncChoice. */
  choice: string;
  icon: IconType;
}

export const kindIcons: Readonly<Record<string, IconType>> = {
  FIELDS: Split,
  DELETED: Trash2,
  VALUE_TAKEN: Copy,
  REJECTED: ShieldX,
  LOOP: Repeat,
  PAIRING: Link2,
};

/** The choices of one side: both sides of the exchange then have its values. */
const sides: readonly Choice[] = [
  { choice: 'CUSTOMER', icon: RefreshCw },
  { choice: 'PEER', icon: RefreshCw },
];

/** The choices that resolve a conflict, as the comments of SyncConflictKind list them. A candidate is linked beside it. */
export function choicesOf(conflict: Json): readonly Choice[] {
  switch (textAt(conflict, 'kind')) {
    case 'FIELDS':
    case 'DELETED':
    case 'LOOP':
      return sides;
    case 'VALUE_TAKEN':
      return [
        { choice: 'RETRY', icon: Undo2 },
        ...(textAt(conflict, 'customerId') === '' ? [{ choice: 'LINK', icon: Merge }] : []),
      ];
    case 'PAIRING':
      return [
        { choice: 'SEPARATE', icon: Split },
        { choice: 'IGNORE', icon: ShieldX },
      ];
    default:
      return [{ choice: 'RETRY', icon: Undo2 }];
  }
}
