-- Which attempt touched an episode's place in the library last: what an earlier one left there may be half replaced.

-- The attempt that last began to publish the episode; null when none did or it was taken out of the library.
alter table episodes add column publication text;
-- `published_files` names every file that attempt may have left, too: it is written before the attempt begins.

update episodes set publication = (
    select attempts.id from attempts join tasks on tasks.id = attempts.task_id
    where tasks.episode_id = episodes.id and tasks.slot = 'library'
    order by attempts.id desc limit 1);
