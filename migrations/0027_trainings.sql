-- Trainings: runs that train a LoRA on a dataset, their epochs, the pictures that compare them, and the LoRAs that are used.

create table trainings (
    -- Identity.
    id text not null primary key check (length(id) = 36),
    -- Whose dataset it is trained on.
    character_id text not null references characters (id) on delete cascade,
    -- training, probing, needs_person, done, failed or cancelled.
    state text not null,
    -- A person lets it rest.
    paused boolean not null,
    -- Who waits for it: word, core `Class`.
    class text not null,
    -- Everything that decides how it turns out: object, core `TrainingPlan`.
    plan jsonb not null,
    -- Hash of the plan without its seed.
    print text not null check (length(print) = 64),
    -- What is done differently because the card was full: list, core `Rung`.
    relief jsonb not null,
    -- Why it came to nothing: object, core `TaskFault`; null while it has not.
    fault jsonb,
    -- Which epoch was taken, and why: object, core `Choice`; null before that.
    choice jsonb,
    -- When it was asked for.
    created_ms bigint not null,
    -- When anything about it last changed.
    updated_ms bigint not null
);
create index trainings_by_character on trainings (character_id, id);
-- The same is not trained twice.
create unique index trainings_once on trainings (print) where state not in ('failed', 'cancelled');
create index trainings_open on trainings (id) where state in ('training', 'probing');

create table training_epochs (
    -- The run.
    training_id text not null references trainings (id) on delete cascade,
    -- Which epoch, from 1.
    epoch bigint not null check (epoch >= 1),
    -- Hash of the LoRA's file.
    asset text not null check (length(asset) = 64),
    -- Its file name extension without the dot.
    ext text not null,
    -- Its length in bytes.
    bytes bigint not null,
    -- How its slice went: object, core `SliceReport`.
    report jsonb not null,
    -- The attempt that made it; null when it came from elsewhere.
    attempt_id text,
    -- When it was made.
    created_ms bigint not null,
    primary key (training_id, epoch)
);
create index training_epochs_by_asset on training_epochs (asset);

create table training_probes (
    -- Identity.
    id text not null primary key check (length(id) = 36),
    -- For which run it is made.
    training_id text not null references trainings (id) on delete cascade,
    -- Whose picture it is: object, core `Contender`.
    contender jsonb not null,
    -- What it shows: index among the cases of the plan.
    case_no bigint not null,
    -- asked, made, judged or failed.
    state text not null,
    -- Hash of the picture; null before it is made.
    asset text check (length(asset) = 64),
    -- Its file name extension without the dot; null before it is made.
    ext text,
    -- It is a near-copy of a picture that was trained on; null before anybody has looked.
    is_copy boolean,
    -- What the judge said: object, core `Verdict`; null before it has looked.
    verdict jsonb,
    -- What that means: object, core `ProbeMarks`; null where it says nothing.
    marks jsonb,
    -- When it was asked for.
    created_ms bigint not null,
    unique (training_id, contender, case_no)
);
create index training_probes_by_asset on training_probes (asset) where asset is not null;

create table loras (
    -- Identity.
    id text not null primary key check (length(id) = 36),
    -- Whom it makes.
    character_id text not null references characters (id) on delete cascade,
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
create index loras_by_asset on loras (asset);
create unique index loras_by_file on loras (file);
-- Films use one of a character for each architecture.
create unique index loras_in_use on loras (character_id, architecture) where active;
