/**
 * The last part of the migration `create-change-log`: takes away the service's right to what only the log itself calls.
 * A trigger fires without it; with it, one on a temporary table could write any history.
 */
export const changeLogRights = `
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
