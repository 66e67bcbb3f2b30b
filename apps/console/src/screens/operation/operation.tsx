import { useParams } from '@tanstack/react-router';
import { Bar } from '../../app/shell.tsx';
import { useLabels } from '../../contract/labels.ts';

/** A form for one operation. */
export function OperationScreen() {
  const { operation = '' } = useParams({ strict: false });
  const labels = useLabels();
  return <Bar title={labels.operation(operation)} />;
}
