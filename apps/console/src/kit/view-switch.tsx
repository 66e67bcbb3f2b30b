import { useNavigate } from '@tanstack/react-router';
import * as icons from '../gen/icons.ts';
import { t } from '../app/language.ts';
import { Segments } from './form/segments.tsx';

/** The same collection as a board or as a list. */
export function ViewSwitch({ resource, view }: { resource: string; view: 'board' | 'list' }) {
  const navigate = useNavigate();
  return (
    <Segments
      label={t('board.view')}
      value={view}
      onChange={(id) =>
        void navigate({
          to: id === 'board' ? `/${resource}/board` : `/${resource}`,
          search: (known: object) => known as never,
        })
      }
      options={[
        { id: 'board', name: t('board.board'), icon: icons.SquareKanban },
        { id: 'list', name: t('board.list'), icon: icons.Rows3 },
      ]}
    />
  );
}
