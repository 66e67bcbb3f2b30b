/**
 * The last part of a migration that creates triggers: takes away the service's right to what only the change log itself calls.
 * A trigger fires without it; with it, one on a temporary table could write any history.
 */
export const changeLogRights = `
  do $$
  declare
    callee regprocedure;
    grantee text;
  begin
    -- Only of functions that others than their owner may call: after the first migrations there are hundreds without.
    for callee, grantee in
      select pg_proc.oid, case acl.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(acl.grantee)) end
      from pg_proc, aclexplode(coalesce(proacl, acldefault('f', proowner))) acl
      where pronamespace = 'public'::regnamespace and acl.grantee <> proowner and (prorettype = 'trigger'::regtype
        or proname in ('renew_change_log_epoch', 'begin_change_log_partition', 'revoke_all_but'))
    loop
      execute format('revoke execute on function %s from %s', callee, grantee);
    end loop;
  end $$;
`;

/** The same in released migrations, whose SQL never changes. It revokes the rights of all these functions, one by one. */
export const releasedChangeLogRights = `
  do $$
  declare
    callee regprocedure;
    grantee text;
  begin
    for callee in
      select oid from pg_proc where pronamespace = 'public'::regnamespace and (prorettype = 'trigger'::regtype
        or proname in ('renew_change_log_epoch', 'begin_change_log_partition', 'revoke_all_but'))
    loop
      execute format('revoke execute on function %s from public', callee);
      for grantee in select distinct pg_get_userbyid(acl.grantee) from pg_proc, aclexplode(proacl) acl
        where pg_proc.oid = callee and acl.grantee not in (0, proowner)
      loop
        execute format('revoke execute on function %s from %I', callee, grantee);
      end loop;
    end loop;
  end $$;
`;
