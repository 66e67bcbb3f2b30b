import { Link, useLocation } from '@tanstack/react-router';
import { theContract } from '../../contract/contract.ts';
import { useLanguage } from '../language.ts';
import { placeGroups } from '../navigation.ts';
import { isPermitted, useSession } from '../session.ts';
import style from './place-tabs.module.css';

/** The screens that belong to a place, such as users, roles and keys to access. Nothing on a screen without others beside it. */
export function PlaceTabs() {
  const { t } = useLanguage();
  const { pathname } = useLocation();
  const session = useSession();
  const name = useTabName();
  const place = placeGroups.flatMap(({ places }) => places).find(({ tabs }) => tabs?.includes(pathname));
  const permitted = place?.tabs?.filter((path) => isPermitted(session, permissionOf(path)));
  if (!place || !permitted || permitted.length < 2) return null;
  return (
    <nav className={style.tabs} aria-label={t(`nav.${place.key}`)}>
      {permitted.map((path) => (
        <Link key={path} to={path} className={style.tab} activeOptions={{ exact: true }}>
          {name(path)}
        </Link>
      ))}
    </nav>
  );
}

function useTabName(): (path: string) => string {
  const { find, labels } = useLanguage();
  return (path) => find(`tab.${path.slice(1)}`) ?? labels.resource(path.slice(1));
}

/** Of the list of a collection; other screens say themselves what they need. */
function permissionOf(path: string): string {
  const contract = theContract();
  const list = contract.resource(path.slice(1))?.list;
  return list === undefined ? '' : contract.operation(list).permission;
}
