-- Why a story was not written, as data.

-- Which refusal it is: word, web `Code`; empty while nothing went wrong, and of stories that failed before this column
-- was there.
alter table stories add column code text not null default '';
