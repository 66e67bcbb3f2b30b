import { Workflow } from 'lucide-react';
import type { Hints } from './hints.ts';

export const hints: Hints = {
  icon: Workflow,
  title: 'name',
  columns: ['state', 'activeVersion', 'hasUnpublishedChanges', 'updateTime', 'updatedBy'],
  detail: 'state',
};
