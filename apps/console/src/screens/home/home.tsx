import { useText } from '../../app/language.ts';
import { Bar } from '../../app/shell.tsx';

/** The dashboard. */
export function Home() {
  const t = useText();
  return <Bar title={t('nav.home')} />;
}
