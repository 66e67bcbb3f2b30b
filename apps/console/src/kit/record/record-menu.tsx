import { useNavigate } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { t } from '../../app/language.ts';
import { Menu, MenuItem } from '../overlay.tsx';
import { IconButton, icons } from '../ui.tsx';

interface RecordMenuProps {
  resource: string;
  /** Of the record; empty for one that is not there yet, which has no menu. */
  id: string;
  children?: ReactNode;
}

/** What is rarely done with a record that has a screen of its own, and the way to its history. */
export function RecordMenu({ resource, id, children }: RecordMenuProps) {
  const navigate = useNavigate();
  if (id === '') return null;
  return (
    <Menu label={t('record.more')} button={<IconButton name={t('record.more')} icon={icons.Ellipsis} />}>
      <MenuItem
        icon={icons.RotateCcwClock}
        onAction={() => void navigate({ to: '/$resource/$id', params: { resource, id } })}
      >
        {t('pipeline.history')}
      </MenuItem>
      {children}
    </Menu>
  );
}
