import { ToggleButton, ToggleButtonGroup } from 'react-aria-components';
import { Icon, join, type IconType } from '../ui.tsx';
import style from './segments.module.css';

/** A choice of one of a few, all in sight. One with an icon shows its name only where there is room. */
export function Segments<Id extends string>({ label, value, onChange, options, small = false }: SegmentsProps<Id>) {
  return (
    <ToggleButtonGroup
      aria-label={label}
      selectedKeys={[value]}
      onSelectionChange={([id]) => id !== undefined && onChange(id as Id)}
      disallowEmptySelection
      className={join(style.segments, small && style.small)}
    >
      {options.map(({ id, name, icon, isIcon }) => (
        <ToggleButton key={id} id={id} className={join(style.segment, icon && style.pictured)} aria-label={name}>
          {icon && <Icon of={icon} />}
          {!isIcon && <span>{name}</span>}
        </ToggleButton>
      ))}
    </ToggleButtonGroup>
  );
}

interface SegmentsProps<Id extends string> {
  label: string;
  value: Id;
  onChange: (id: Id) => void;
  options: readonly { id: Id; name: string; icon?: IconType; isIcon?: boolean }[];
  small?: boolean;
}
