import { Link, useLocation } from '@tanstack/react-router';
import { find, labels, t } from '../language.ts';
import { placeGroups, useMayGo } from '../navigation.ts';
import style from './place-tabs.module.css';

/** Such as `Roles` of `/roles`. */
export function tabName(path: string): string {
  return find(`tab.${path.slice(1)}`) ?? find(`nav.${path.slice(1)}`) ?? labels.resource(path.slice(1));
}

/** The screens that belong to a place, such as users, roles and keys to access. Nothing on a screen without others beside it. */
export function PlaceTabs() {
  const { pathname } = useLocation();
  const mayGo = useMayGo();
  const place = placeGroups.flatMap(({ places }) => places).find(({ tabs }) => tabs?.includes(pathname));
  const permitted = place?.tabs?.filter((path) => mayGo(path));
  if (!place || !permitted || permitted.length < 2) return null;
  return (
    <nav className={style.tabs} aria-label={t(`nav.${place.key}`)}>
      {permitted.map((path) => (
        <Link key={path} to={path} className={style.tab} activeOptions={{ exact: true, includeSearch: false }}>
          {tabName(path)}
        </Link>
      ))}
    </nav>
  );
}
