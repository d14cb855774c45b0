-- A pause may give the memory of cards back.

-- Models leave what rests, as soon as nothing runs there; false: they stay loaded.
alter table pauses add column frees boolean not null default false;
