import { Autocomplete, Input, Menu, MenuTrigger, Popover, SearchField, useFilter } from 'react-aria-components';
import { t } from '../app/language.ts';
import { textAt, type Json } from '../contract/json.ts';
import { Button, Icon, icons, text, type ButtonProps } from './ui.tsx';
import { MenuItem } from './overlay.tsx';
import style from './overlay.module.css';

/** From so many records on, a menu has a field to search them. */
const many = 10;

/** A menu of records by their names, which a small button opens. */
export function ChoiceMenu({ label, icon, shortcut, items, onChoose }: ChoiceMenuProps) {
  const { contains } = useFilter({ sensitivity: 'base' });
  return (
    <MenuTrigger>
      <Button small kind="bare" {...{ icon, shortcut }}>
        {label}
      </Button>
      <Popover className={style.popover} placement="bottom end" offset={4}>
        <Autocomplete filter={contains}>
          {items.length > many && (
            <SearchField autoFocus aria-label={label} className={style.search}>
              <Icon of={icons.Search} />
              <Input />
            </SearchField>
          )}
          <Menu
            className={style.menu}
            aria-label={label}
            renderEmptyState={() => <p className={text.two}>{t('palette.nothing')}</p>}
          >
            {items.map((item) => (
              <MenuItem key={textAt(item, 'id')} icon={icon} onAction={() => onChoose(item)}>
                {textAt(item, 'name')}
              </MenuItem>
            ))}
          </Menu>
        </Autocomplete>
      </Popover>
    </MenuTrigger>
  );
}

interface ChoiceMenuProps extends Required<Pick<ButtonProps, 'icon'>>, Pick<ButtonProps, 'shortcut'> {
  label: string;
  items: readonly Json[];
  onChoose: (item: Json) => void;
}
