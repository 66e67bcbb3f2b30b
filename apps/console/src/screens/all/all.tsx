import { Link } from '@tanstack/react-router';
import { useText } from '../../app/language.ts';
import { Bar, Scroll } from '../../app/shell.tsx';
import { theContract } from '../../contract/contract.ts';
import { useLabels } from '../../contract/labels.ts';
import text from '../../style/text.module.css';

/** Every collection that can be listed, so that a new one has a place before it has a link of its own. */
export function AllResources() {
  const t = useText();
  const labels = useLabels();
  const listed = theContract().resources.filter(({ name }) => !name.includes('{'));
  return (
    <>
      <Bar title={t('nav.all')} />
      <Scroll padded>
        <ul>
          {listed.map(({ name }) => (
            <li key={name}>
              <Link to="/$resource" params={{ resource: name }} className={text['link'] ?? ''}>
                {labels.resource(name)}
              </Link>
            </li>
          ))}
        </ul>
      </Scroll>
    </>
  );
}
