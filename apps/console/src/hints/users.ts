import { UserRound } from 'lucide-react';
import type { Hints } from './hints.ts';

export const hints: Hints = {
  icon: UserRound,
  title: 'displayName',
  columns: ['email', 'state', 'roleIds', 'teamId', 'twoFactor', 'updateTime'],
  detail: 'email',
  face: () => 'person',
};
