-- What long films need: counts that read no outputs, and a stop that is kept before thousands of tasks are ended.

-- Episode, state, and what is to be made: a count finds its tasks grouped, and reads nothing of what they led to.
create index tasks_by_part on tasks (episode_id, state, (job ->> 'job'), (job ->> 'subject'));

-- A person has stopped the episode: nothing of it goes on, also when the studio stops before every task says so.
alter table episodes add column stopping boolean not null default false;
