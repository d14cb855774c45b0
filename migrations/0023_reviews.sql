-- Pictures of datasets are judged, placed and captioned when a person asks for it, many at once; and those that
-- came without a name are named.

-- What was asked of the judge for many pictures of a dataset at once.
create table dataset_reviews (
    -- Identity.
    id text not null primary key check (length(id) = 36),
    -- Whose dataset it is.
    character_id text not null references characters (id) on delete cascade,
    -- judge, or describe: it only says what the pictures show.
    visit text not null,
    -- When it was asked for.
    asked_ms bigint not null,
    -- A person stopped it.
    stopped boolean not null
);
create index dataset_reviews_by_character on dataset_reviews (character_id, id);

-- The review of many pictures that it belongs to; null when it was asked for on its own.
alter table dataset_requests add column review_id text references dataset_reviews (id) on delete set null;
-- What a review came to: approved, rejected, waiting, kept, described, unreviewed, gone, failed or stopped; null before it is
-- over, and of what makes a picture.
alter table dataset_requests add column outcome text;
create index dataset_requests_by_review on dataset_requests (review_id) where review_id is not null;

-- Who says what the picture shows, and what was seen in it: object, core `Placing`; null while nobody has said anything.
alter table dataset_pictures add column placed jsonb;

-- Pictures that came for a project without saying of whom they are.
create table unnamed_pictures (
    -- Identity; the picture keeps it when it is named.
    id text not null primary key check (length(id) = 36),
    -- The project whose characters it may show.
    project_id text not null references projects (id) on delete cascade,
    -- Hash of the file.
    asset text not null check (length(asset) = 64),
    -- File name extension without the dot.
    ext text not null,
    -- Width in pixels.
    width bigint not null check (width >= 1),
    -- Height in pixels.
    height bigint not null check (height >= 1),
    -- Where it is from: object, core `Source`.
    source jsonb not null,
    -- What it was made with: object, core `Made`; null when it says nothing of it.
    made jsonb,
    -- What lay beside it as its caption: object, core `Caption`; null without one.
    caption jsonb,
    -- What the judge said of who it is: object, core `Identity`; null before it has looked.
    identity jsonb,
    -- When it came.
    created_ms bigint not null,
    unique (project_id, asset)
);
create index unnamed_pictures_by_asset on unnamed_pictures (asset);
