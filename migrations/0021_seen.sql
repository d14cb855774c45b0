-- What was seen at a source of pictures: it is not taken again by itself, also when its picture was taken out, and what was
-- refused is not said again.
create table dataset_seen (
    -- For whose dataset it was seen.
    character_id text not null references characters (id) on delete cascade,
    -- still, comfy or inbox.
    source text not null,
    -- Which one: hash of the file as it lay there, or of what names it.
    key text not null check (length(key) = 64),
    -- Hash of the picture's file in the dataset; null when it was refused, or held several.
    asset text check (length(asset) = 64),
    -- Why it was not taken, in a sentence; null when it was.
    why text,
    -- When it was seen first.
    seen_ms bigint not null,
    primary key (character_id, source, key)
);
