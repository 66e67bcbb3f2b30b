import { ToggleButton, ToggleButtonGroup } from 'react-aria-components';
import style from './segments.module.css';

/** A choice of one of a few, all in sight. */
export function Segments({ label, value, onChange, options, small = false }: SegmentsProps) {
  return (
    <ToggleButtonGroup
      aria-label={label}
      selectedKeys={[value]}
      onSelectionChange={(keys) => onChange(String([...keys][0] ?? value))}
      disallowEmptySelection
      className={small ? `${style.segments} ${style.small}` : style.segments}
    >
      {options.map(({ id, name }) => (
        <ToggleButton key={id} id={id} className={style.segment}>
          {name}
        </ToggleButton>
      ))}
    </ToggleButtonGroup>
  );
}

interface SegmentsProps {
  label: string;
  value: string;
  onChange: (id: string) => void;
  options: readonly { id: string; name: string }[];
  small?: boolean;
}
