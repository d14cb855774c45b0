-- The studio's tables, one text for SQLite and PostgreSQL.
--
-- Conventions: ids are uuid v7 as 36 characters of hyphenated text; hashes are SHA-256 as 64 lower-case hex
-- digits; times are Unix milliseconds; seeds are unsigned 64-bit numbers as decimal text, because bigint is
-- signed; jsonb columns hold objects or arrays and nothing else (SQLite keeps them as text); words of an
-- enumeration are the names the core's types have in JSON. Columns that name assets have no foreign key:
-- an asset may be pruned or lost while its story stays, and `studiod check --deep` reports such names.

-- Series and films.
create table projects (
    -- Identity.
    id text not null primary key check (length(id) = 36),
    -- Short name, unique in the studio: lower-case letters, digits and dashes.
    slug text not null unique check (slug <> ''),
    -- The title people read.
    title text not null,
    -- Year in the show folder.
    year bigint not null check (year between 1928 and 2500),
    -- Base of every seed in the project.
    seed text not null
);

-- Who appears or speaks.
create table characters (
    -- Identity.
    id text not null primary key check (length(id) = 36),
    -- The project the character belongs to.
    project_id text not null references projects (id) on delete cascade,
    -- Lower-case letters, digits and dashes; unique in the project.
    slug text not null check (slug <> ''),
    -- The name as the screenplay writes it.
    name text not null,
    -- Voice and look: object, core `CharacterProfile`.
    profile jsonb not null,
    unique (project_id, slug)
);

-- Where scenes happen.
create table locations (
    -- Identity.
    id text not null primary key check (length(id) = 36),
    -- The project the place belongs to.
    project_id text not null references projects (id) on delete cascade,
    -- Lower-case letters, digits and dashes; unique in the project.
    slug text not null check (slug <> ''),
    -- The name as the screenplay writes it.
    name text not null,
    -- interior, exterior or both.
    setting text not null,
    unique (project_id, slug)
);

-- Ordered scenes that make one file in the library.
create table episodes (
    -- Identity.
    id text not null primary key check (length(id) = 36),
    -- The series or film.
    project_id text not null references projects (id) on delete cascade,
    -- Season; 0 is specials.
    season bigint not null check (season between 0 and 199),
    -- Number in the season, from 1.
    number bigint not null check (number >= 1),
    -- Title people read.
    title text not null,
    -- Plot, one paragraph.
    plot text not null,
    -- First aired, yyyy-mm-dd.
    aired text not null,
    -- draft, producing, assembled, published or failed.
    state text not null,
    -- Hash of the assembled film; null before it is there.
    film text,
    -- Hash of its thumbnail; null before it is there.
    thumbnail text,
    -- Frames of the film as measured; null before it is there.
    actual_frames bigint check (actual_frames >= 0),
    -- Where it is in the library, relative to the library's root; null when it is not.
    published text,
    -- Every file of it in the library, relative to the library's root: array of text; null when there are none.
    published_files jsonb,
    -- What is missing although the film is there: array of sentences.
    remarks jsonb not null,
    unique (project_id, season, number)
);

-- One place and time of an episode.
create table scenes (
    -- Identity; stays when the screenplay is read again, as long as the number stays.
    id text not null primary key check (length(id) = 36),
    -- The episode it belongs to.
    episode_id text not null references episodes (id) on delete cascade,
    -- Where it happens; null when the script does not say.
    location_id text references locations (id) on delete set null,
    -- Position in the episode, from 1.
    number bigint not null check (number >= 1),
    -- Short title for chapters.
    title text not null,
    -- Setting, place, light, weather, mood, synopsis: object, core `Look`.
    look jsonb not null,
    -- Blend from the scene before: cut, dissolve, fade, fadeblack or wipeleft.
    transition_kind text not null,
    -- Length of that blend in milliseconds; 0 for a cut.
    transition_ms bigint not null check (transition_ms >= 0),
    -- draft, generating, completed or failed.
    state text not null,
    -- Frames the plan asks for.
    target_frames bigint not null check (target_frames >= 0),
    -- Frames the assembled scene has, as measured; null before it is there.
    actual_frames bigint check (actual_frames >= 0),
    -- Hash of the assembled scene; null before it is there.
    film text,
    unique (episode_id, number)
);
create index scenes_by_location on scenes (location_id);

-- One clip of a scene.
create table shots (
    -- Identity; stays when the screenplay is read again, as long as scene and number stay.
    id text not null primary key check (length(id) = 36),
    -- The scene it belongs to.
    scene_id text not null references scenes (id) on delete cascade,
    -- Position in the scene, from 1.
    number bigint not null check (number >= 1),
    -- What is to be seen and heard: object, core `ShotPlan`.
    plan jsonb not null,
    -- pending, generating, completed, accepted_best, ask_person or failed.
    state text not null,
    -- Hash of the accepted clip as the engine made it; null before it is there.
    clip text,
    -- Hash of the accepted clip in the project's size and rate; null before it is there.
    master text,
    -- Hash of the picture it was made from; null before it is there.
    still text,
    -- Hash of its last picture; null before it is there.
    last_frame text,
    -- Seed of the accepted take; null before there is one.
    seed text,
    -- Sampling steps of the accepted take; null before there is one.
    steps bigint check (steps >= 0),
    -- Score of the accepted take, 0-1; null when nobody could judge it.
    score double precision check (score between 0 and 1),
    -- How long the accepted take took to make, in milliseconds; null before there is one.
    making_ms bigint check (making_ms >= 0),
    unique (scene_id, number)
);

-- Every attempt at a shot's picture or clip, with what is needed to make it again.
create table takes (
    -- Identity.
    id text not null primary key check (length(id) = 36),
    -- The shot.
    shot_id text not null references shots (id) on delete cascade,
    -- still or clip.
    subject text not null,
    -- From 1, per shot and subject.
    attempt bigint not null check (attempt >= 1),
    -- What made it differ from the others.
    seed text not null,
    -- Sampling steps.
    steps bigint not null check (steps >= 0),
    -- Hash of the file.
    asset text not null,
    -- Score of its review, 0-1; null before the review and when nobody could judge.
    score double precision check (score between 0 and 1),
    -- Its review: object, core `Verdict`; null before the review.
    verdict jsonb,
    -- When it was reviewed; null before the review.
    reviewed_ms bigint,
    -- This take is the one in the film.
    chosen boolean not null default false,
    unique (shot_id, subject, attempt)
);
-- At most one take per shot and subject is in the film.
create unique index takes_chosen on takes (shot_id, subject) where chosen;

-- Units of durable work.
create table tasks (
    -- Identity.
    id text not null primary key check (length(id) = 36),
    -- The episode it is for; null for work of its own.
    episode_id text references episodes (id) on delete cascade,
    -- What it is in its episode, e.g. 'scene 1/shot 3/clip/take 2'; unique there.
    slot text not null,
    -- Which engine does it, e.g. 'draft.clips'.
    engine text not null,
    -- Who waits for it: interactive, production or background.
    class text not null,
    -- waiting, running, succeeded, failed or cancelled.
    state text not null,
    -- One sentence about the state.
    reason text not null,
    -- What is to be made, inputs still named by slot: object.
    job jsonb not null,
    -- Key of the resolved order; null until its inputs are there.
    key text,
    -- What it led to: object, core `Outputs`; null unless it succeeded.
    outputs jsonb,
    -- Attempts that failed since it was last asked for.
    strikes bigint not null check (strikes >= 0),
    -- Not before this moment.
    not_before_ms bigint not null,
    -- When it was first asked for.
    created_ms bigint not null,
    -- When anything about it last changed.
    updated_ms bigint not null,
    unique (episode_id, slot)
);
create index tasks_by_state on tasks (state, id);

-- Which task needs the outputs of which.
create table task_dependencies (
    -- The task that waits.
    task_id text not null references tasks (id) on delete cascade,
    -- The task it waits for.
    needs_id text not null references tasks (id) on delete cascade,
    primary key (task_id, needs_id)
);
create index task_dependencies_by_need on task_dependencies (needs_id);

-- Executions of tasks: written before the engine hears of them, and never deleted, because they are the
-- memory of what was made from what.
create table attempts (
    -- Identity; the engine is told this one.
    id text not null primary key check (length(id) = 36),
    -- The task; no foreign key, a task of a changed plan may be gone.
    task_id text not null check (length(task_id) = 36),
    -- Key of the order: hash of engine, version and everything that decides the result.
    key text not null check (length(key) = 64),
    -- Engine name and version.
    engine text not null,
    -- The resolved order: object, core `Order`.
    order_json jsonb not null,
    -- running, succeeded, failed, lost or cancelled.
    state text not null,
    -- What it led to: object, core `Outputs`; null unless it succeeded.
    outputs jsonb,
    -- Why it failed; null unless it did.
    error text,
    -- When it started.
    started_ms bigint not null,
    -- When it ended; null while it runs.
    ended_ms bigint,
    -- A file it made was lost afterwards: its result is history and is never taken again.
    void boolean not null default false
);
create index attempts_by_task on attempts (task_id, id);
create index attempts_running on attempts (started_ms) where state = 'running';
create index attempts_succeeded on attempts (key, ended_ms) where state = 'succeeded';
create index attempts_by_engine on attempts (engine, ended_ms) where state = 'succeeded';

-- Files the studio keeps, by content.
create table assets (
    -- SHA-256 of the bytes.
    hash text not null primary key check (length(hash) = 64),
    -- File name extension without the dot.
    ext text not null,
    -- Size.
    bytes bigint not null check (bytes >= 0),
    -- What is known of it: object, core `MediaFacts`.
    facts jsonb not null,
    -- The attempt that made it first; null for files that came from outside.
    attempt_id text references attempts (id),
    -- Hashes of the files it was made from: array of text.
    inputs jsonb not null,
    -- When it was kept first.
    created_ms bigint not null,
    -- The file was found gone or damaged and is not there again yet.
    missing boolean not null default false
);
create index assets_by_attempt on assets (attempt_id);

-- Automatic decisions with their reasons.
create table decisions (
    -- Identity.
    id text not null primary key check (length(id) = 36),
    -- The episode it is about; null when about none.
    episode_id text references episodes (id) on delete cascade,
    -- The task it is about; null when about none; no foreign key, a task of a changed plan may be gone.
    task_id text,
    -- What kind of decision, e.g. 'retake'.
    kind text not null,
    -- One sentence a person understands.
    reason text not null,
    -- What it was decided from: object.
    inputs jsonb not null,
    -- What was decided, e.g. 'accepted'.
    outcome text not null,
    -- When.
    created_ms bigint not null
);
create index decisions_by_episode on decisions (episode_id, id);
create index decisions_by_task on decisions (task_id, id);

-- What happened, in order, for pages that follow along.
create table events (
    -- Number without gaps, from 1, in the order of commits; writers are one at a time.
    seq bigint not null primary key check (seq >= 1),
    -- What kind of event, e.g. 'task.state'.
    kind text not null,
    -- Id of what it is about.
    subject text not null,
    -- The event itself: object.
    body jsonb not null,
    -- When.
    created_ms bigint not null
);
