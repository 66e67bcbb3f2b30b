import { useText } from '../../app/language.ts';
import { Bar } from '../../app/shell.tsx';

/** All operations of the API. */
export function Operations() {
  const t = useText();
  return <Bar title={t('nav.api')} />;
}
