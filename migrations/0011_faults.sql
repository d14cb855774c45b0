-- What went wrong with a task, as data.

-- `tasks.state` may be needs_person as well: nobody could judge what was made, and only a person can decide how the task
-- goes on.

-- Why it has no result: object, core `TaskFault`; null while nothing went wrong, and of tasks that ended before this
-- column was there.
alter table tasks add column fault jsonb;

-- Until now such tasks had failed, and only the sentence told them apart.
update tasks set state = 'needs_person' where state = 'failed' and reason like 'a person must look at this shot: %';
