/** Runs that nothing would ever wake, and rows that no run needs: there must be none. */
export const stuckRuns = `
  select run.id || ' is ' || run.state || ': ' || fault as fault
  from flow_run run left join flow_job job on job.run_id = run.id,
    lateral (values
      (run.state in ('RUNNING', 'COMPENSATING') and job.due_time = 'infinity', 'never due'),
      (run.state in ('RUNNING', 'WAITING', 'UNCERTAIN', 'COMPENSATING') and job.run_id is null, 'without a job'),
      (run.state in ('RUNNING', 'COMPENSATING') and job.due_time > clock_timestamp() + interval '1 hour'
        and run.wake_time is null, 'due too late'),
      (run.state = 'WAITING' and run.wake_time is null and job.held_number is null, 'without a time'),
      (job.held_number is not null and not exists (
        select from flow_backfill_job held where held.backfill_id = job.backfill_id), 'held by no backfill'),
      (run.state = 'WAITING' and job.due_time > run.wake_time + interval '2 minutes', 'due after its time'),
      (run.state in ('SUCCEEDED', 'FAILED', 'CANCELLED', 'COMPENSATED', 'EXITED') and job.run_id is not null, 'with a job'),
      (run.state in ('SUCCEEDED', 'FAILED', 'CANCELLED', 'COMPENSATED', 'EXITED') and run.end_time is null, 'without an end'),
      (run.state in ('SUCCEEDED', 'CANCELLED', 'COMPENSATED', 'EXITED') and exists (
        select from flow_wait wait where wait.run_id = run.id), 'with waits'),
      (run.state in ('SUCCEEDED', 'CANCELLED', 'COMPENSATED', 'EXITED') and exists (
        select from flow_event event where event.run_id = run.id), 'with events'),
      (run.state in ('SUCCEEDED', 'CANCELLED', 'COMPENSATED', 'EXITED') and exists (
        select from flow_step_run step where step.run_id = run.id and step.end_time is null), 'with open steps')
    ) as check_of (is_fault, fault)
  where is_fault
  union all
  select job.run_id || ' has a job, and is no run' from flow_job job
  where not exists (select from flow_run run where run.id = job.run_id)`;
