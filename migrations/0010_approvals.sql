-- Parts a person looks at before work goes on from them.

-- A person approved what was there; work goes on from it.
alter table by_hand add column approved boolean not null default false;
