import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { Missing } from '../../app/boundaries.tsx';
import { Bar, Scroll } from '../../app/shell.tsx';
import { theContract } from '../../contract/contract.ts';
import { textAt, type Json } from '../../contract/json.ts';
import { readQuery } from '../../contract/queries.ts';

/** One record, or one item of another collection. */
export function Record() {
  const { resource = '', id = '' } = useParams({ strict: false });
  const get = theContract().resource(resource)?.get;
  return get === undefined ? <Missing /> : <Facts get={get} parameters={{ id }} />;
}

/** One record of a custom object. */
export function ObjectRecord() {
  const { object = '', id = '' } = useParams({ strict: false });
  return <Facts get="getObjectRecord" parameters={{ object, id }} />;
}

function Facts({ get, parameters }: { get: string; parameters: Json }) {
  const { data } = useQuery(readQuery(get, parameters));
  return (
    <>
      <Bar title={textAt(parameters, 'id')} />
      <Scroll padded>
        <pre>{JSON.stringify(data, undefined, 2)}</pre>
      </Scroll>
    </>
  );
}
