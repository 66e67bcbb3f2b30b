import { Link } from '@tanstack/react-router';
import { labels } from '../app/language.ts';
import { Icon, icons, text } from './ui.tsx';
import style from './crumbs.module.css';

/** The name of a record after that of what it belongs to: its list, or `of` at `to`. */
export function Crumbs({ resource = '', to = `/${resource}`, of = labels.resource(resource), title }: CrumbsProps) {
  return (
    <span className={text.row}>
      <Link to={to} className={style.back}>
        {of}
        <Icon of={icons.ChevronRight} />
      </Link>
      <span className={text.cut}>{title}</span>
    </span>
  );
}

interface CrumbsProps {
  /** Such as `flows`. */
  resource?: string;
  to?: string;
  of?: string;
  title: string;
}
