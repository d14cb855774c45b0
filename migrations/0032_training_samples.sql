-- Whether a run shows what it has learned after each epoch, by two pictures; runs of before go on without.
alter table trainings add column samples boolean not null default false;
