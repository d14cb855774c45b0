-- Datasets: pictures of characters that models are trained on, and what is asked of engines to fill them.

-- What the owner of a dataset says of it; a character without a row has an empty one that is switched off.
create table datasets (
    -- Whose pictures they are.
    character_id text not null primary key references characters (id) on delete cascade,
    -- Target, limits and bands: object, core `DatasetSettings`.
    settings jsonb not null,
    -- The studio fills it by itself.
    replenish boolean not null,
    -- Why it rests although it is switched on: object, core `Pause`; null when it does not.
    paused jsonb,
    -- Rejections before this moment pause it no more.
    since_ms bigint not null
);

-- Pictures of datasets.
create table dataset_pictures (
    -- Identity.
    id text not null primary key check (length(id) = 36),
    -- Whose dataset it is in.
    character_id text not null references characters (id) on delete cascade,
    -- Hash of the file.
    asset text not null check (length(asset) = 64),
    -- File name extension without the dot.
    ext text not null,
    -- Width in pixels.
    width bigint not null check (width >= 1),
    -- Height in pixels.
    height bigint not null check (height >= 1),
    -- pending, approved or rejected.
    state text not null,
    -- Where it is from: object, core `Source`.
    source jsonb not null,
    -- 0: real or drawn by a person; n+1: made with pictures, or a LoRA, of level n.
    lineage bigint not null check (lineage >= 0),
    -- What it was made with: object, core `Made`; null when nothing is known of it.
    made jsonb,
    -- What it shows, by axis: object.
    cell jsonb not null,
    -- What the judge said: object, core `Verdict`; null before it has looked.
    verdict jsonb,
    -- Who decided, and why: object, core `Decision`; null while it is pending.
    decision jsonb,
    -- What is told of it in training: object, core `Caption`; null without one.
    caption jsonb,
    -- The better picture it is a near-duplicate of; null when it is none.
    duplicate_of text references dataset_pictures (id) on delete set null,
    -- Its perceptual hashes: object, core `Print`; null before they are made.
    print jsonb,
    -- When it came into the dataset.
    created_ms bigint not null,
    unique (character_id, asset)
);
create index dataset_pictures_by_state on dataset_pictures (character_id, state, id);
create index dataset_pictures_by_asset on dataset_pictures (asset);
create index dataset_pictures_by_duplicate on dataset_pictures (duplicate_of) where duplicate_of is not null;
-- What the studio still has to look at.
create index dataset_pictures_new on dataset_pictures (character_id) where print is null or verdict is null;

-- What was asked of engines for datasets, kept whole, so that a restart goes on with exactly that.
create table dataset_requests (
    -- The task.
    task_id text not null primary key references tasks (id) on delete cascade,
    -- Whose dataset it is for.
    character_id text not null references characters (id) on delete cascade,
    -- The picture that is made or judged.
    picture_id text not null check (length(picture_id) = 36),
    -- It makes the picture; else it judges it.
    makes boolean not null,
    -- The studio asked for it by itself.
    automatic boolean not null,
    -- open, made (or judged) or failed.
    state text not null,
    -- Everything about it: object, core `Request`.
    request jsonb not null,
    -- When it was asked for.
    asked_ms bigint not null
);
create index dataset_requests_by_character on dataset_requests (character_id, makes, asked_ms);
create index dataset_requests_open on dataset_requests (state) where state = 'open';
create index dataset_requests_by_picture on dataset_requests (picture_id);
