import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { Fragment, type ReactNode } from 'react';
import { Failure, Pending } from '../app/boundaries.tsx';
import { readQuery } from '../contract/api.ts';
import type { Json } from '../contract/json.ts';

/** A record on a screen of its own: the one that the address names, or undefined where it names none: a new one. */
export function RecordOfAddress({ get, children }: { get: string; children: (record: Json | undefined) => ReactNode }) {
  const { id } = useParams({ strict: false });
  const isNew = id === undefined;
  const { data, error, refetch } = useQuery(readQuery(get, { id }, !isNew));
  if (error && !data) return <Failure error={error} reset={() => void refetch()} />;
  return data || isNew ? <Fragment key={id ?? ''}>{children(data)}</Fragment> : <Pending />;
}
