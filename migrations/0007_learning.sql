-- What the studio learns from people, and how the judge does on what they said.

-- What is wrong with a take, from the fixed list: array of text, core `Issue`.
alter table opinions add column issues jsonb not null default '[]';
-- How the take was shown to the judge: object, core `ReviewOrder`; null when no judge with eyes has seen it. Judged
-- anew when the judge changes.
alter table opinions add column review jsonb;

-- How far each judge agrees with people on the golden set: the takes they said something of.
create table golden (
    -- Engine, model and version of the questions.
    judge text not null primary key,
    -- How far: object, core `Agreement`.
    agreement jsonb not null,
    -- When it was judged last.
    judged_ms bigint not null
);
