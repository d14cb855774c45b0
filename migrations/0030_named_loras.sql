-- LoRAs that are asked for by name, and LoRAs of a whole project: the table is made anew, for whose they are may be nobody now.
create table named_loras (
    -- Identity.
    id text not null primary key check (length(id) = 36),
    -- The project whose films use it.
    project_id text not null references projects (id) on delete cascade,
    -- Whom it makes; null: it is for every picture of the project.
    character_id text references characters (id) on delete cascade,
    -- What screenplays ask for it by; empty: it is used without being asked for.
    name text not null,
    -- Where it is asked for, the character's one without a name is left out.
    instead boolean not null,
    -- What it was trained for: word, core `Architecture`.
    architecture text not null,
    -- Its name below ComfyUI's folder.
    file text not null,
    -- Hash of the kept file.
    asset text not null check (length(asset) = 64),
    -- Its file name extension without the dot.
    ext text not null,
    -- Its length in bytes.
    bytes bigint not null,
    -- The word it is called with in prompts; empty: none.
    trigger_word text not null,
    -- How strongly it acts, in percent.
    strength bigint not null check (strength between 1 and 200),
    -- Films use it.
    active boolean not null,
    -- The run that made it; null when it was imported, or its run is gone.
    training_id text references trainings (id) on delete set null,
    -- The epoch of that run; null when it was imported.
    epoch bigint,
    -- When it came into the library.
    created_ms bigint not null
);
insert into named_loras (id, project_id, character_id, name, instead, architecture, file, asset, ext, bytes, trigger_word, strength,
                         active, training_id, epoch, created_ms)
select l.id, c.project_id, l.character_id, '', false, l.architecture, l.file, l.asset, l.ext, l.bytes, l.trigger_word, l.strength,
       l.active, l.training_id, l.epoch, l.created_ms
  from loras l join characters c on c.id = l.character_id;
drop table loras;
alter table named_loras rename to loras;
create index loras_by_asset on loras (asset);
create unique index loras_by_file on loras (file);
create index loras_by_character on loras (character_id) where character_id is not null;
create index loras_by_project on loras (project_id);
-- Films use one of an owner and a name for each architecture.
create unique index loras_in_use on loras (coalesce(character_id, project_id), architecture, name) where active;
