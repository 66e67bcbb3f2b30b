import { useNavigate } from '@tanstack/react-router';
import { Rows3, SquareKanban } from 'lucide-react';
import { ToggleButton, ToggleButtonGroup } from 'react-aria-components';
import { useLanguage } from '../../app/language.ts';
import { Icon } from '../ui.tsx';
import style from './board-switch.module.css';

/** The same collection as a board or as a list. */
export function ViewSwitch({ resource, view }: { resource: string; view: 'board' | 'list' }) {
  const { t } = useLanguage();
  const navigate = useNavigate();
  return (
    <ToggleButtonGroup
      className={style.switch}
      aria-label={t('board.view')}
      disallowEmptySelection
      selectedKeys={[view]}
      onSelectionChange={([key]) =>
        void navigate({
          to: key === 'board' ? '/$resource/board' : '/$resource',
          params: { resource },
          search: (known: object) => known as never,
        })
      }
    >
      <ToggleButton id="board" className={style.segment}>
        <Icon of={SquareKanban} /> <span>{t('board.board')}</span>
      </ToggleButton>
      <ToggleButton id="list" className={style.segment}>
        <Icon of={Rows3} /> <span>{t('board.list')}</span>
      </ToggleButton>
    </ToggleButtonGroup>
  );
}
