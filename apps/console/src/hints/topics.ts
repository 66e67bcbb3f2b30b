import { Tags } from 'lucide-react';
import type { Hints } from './hints.ts';

export const hints: Hints = {
  icon: Tags,
  title: 'name',
  columns: ['key', 'legalBasis', 'isDoubleOptIn', 'cap', 'updateTime'],
  detail: 'legalBasis',
};
