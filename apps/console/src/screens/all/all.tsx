import { Link } from '@tanstack/react-router';
import { labels, language, t } from '../../app/language.ts';
import { isPermitted, useSession } from '../../app/session.ts';
import { Bar, Scroll } from '../../app/shell/shell.tsx';
import { useSentences } from '../../contract/api.ts';
import { theContract } from '../../contract/contract.ts';
import { text } from '../../kit/ui.tsx';
import style from './all.module.css';

/** Every collection that can be listed, so that a new one has a place before it has a link of its own. */
export function AllResources() {
  useSentences();
  const session = useSession();
  const contract = theContract();
  const listed = contract.resources
    .filter(({ name, list }) => {
      const { permission, parameters } = contract.operation(list);
      // Files, for one, are listed on the record that has them.
      return !name.includes('{') && !parameters.some(({ required }) => required) && isPermitted(session, permission);
    })
    .map((resource) => ({ ...resource, label: labels.resource(resource.name) }))
    .toSorted((one, other) => one.label.localeCompare(other.label));
  return (
    <>
      <Bar title={t('nav.all')} beside={t('all.count', { count: listed.length })} />
      <Scroll>
        <ul className={style.list}>
          {listed.map(({ name, label, list }) => (
            <li key={name}>
              <Link to="/$resource" params={{ resource: name }} className={style.item}>
                <strong>{label}</strong>
                {language === 'en' && <span className={text.meta}>{contract.operation(list).summary}</span>}
                <code className={text.faint}>/v1/{name}</code>
              </Link>
            </li>
          ))}
        </ul>
      </Scroll>
    </>
  );
}
