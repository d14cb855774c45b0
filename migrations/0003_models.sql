-- What engines with models and cards leave behind.

-- What is done differently because the card was full before: array of words, core `ladder::Rung`, in the order tried.
alter table tasks add column relief jsonb not null default '[]';

-- The rungs of the ladder this attempt was made with: array of words, core `ladder::Rung`.
alter table attempts add column relief jsonb not null default '[]';
-- What makes durations comparable: workflow, model, size, frames; null when nothing is learned from it.
alter table attempts add column kind_of_work text;
-- The card it was made on: PCI slot, or the server's name when the card is not in this machine; null when none.
alter table attempts add column card text;
-- The server that made it; null for engines inside the studio.
alter table attempts add column server text;
-- Energy the card used while it ran, in watt-hours; null when nobody measured it.
alter table attempts add column energy_wh double precision check (energy_wh >= 0);
create index attempts_by_kind on attempts (kind_of_work, card) where state = 'succeeded';
