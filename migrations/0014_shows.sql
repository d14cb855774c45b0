-- Which show a screenplay means, and which folder of the library is whose.

-- The title the project began with: a screenplay finds its show by it, or by the title it has now. Shows whose titles only
-- share a short name (`C++`, `C#`) stay apart.
alter table projects add column original_title text not null default '';
update projects set original_title = title;

-- Name of the show in the library's folders and files when another show has those its title gives; empty: the title.
alter table projects add column folder text not null default '';

-- Root of the library the published files are in, or were begun to be put; null: not known, or in none. A folder that was a
-- library once is never made anew: its disk may not be mounted.
alter table episodes add column library_root text;

-- What screenplays have said of a character, with the episode that said it first: object, core `Established`.
alter table characters add column established jsonb not null default '{}';
