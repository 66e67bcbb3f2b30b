import { Boxes } from 'lucide-react';
import type { Hints } from './hints.ts';

export const hints: Hints = {
  icon: Boxes,
  title: 'displayNamePlural',
  columns: ['key', 'displayName', 'description', 'updateTime'],
  detail: 'key',
  path: ({ key }) => `/objects/${String(key)}`,
};
