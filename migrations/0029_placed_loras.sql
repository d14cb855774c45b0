-- Files of LoRAs that the studio wrote into ComfyUI's folder: only those it may take away again, whatever became of what they were for.
create table placed_loras (
    -- The folder it was put into, as a whole path.
    folder text not null,
    -- Its name below that folder. It stays, also when its project or character gets another name.
    file text not null,
    -- Hash of what was written.
    asset text not null check (length(asset) = 64),
    -- The run that made it, which may be gone by now; null when it was imported.
    training_id text,
    -- The epoch of that run; null when it was imported.
    epoch bigint check (epoch >= 1),
    -- When it was put there.
    placed_ms bigint not null,
    primary key (folder, file)
);
create index placed_loras_by_training on placed_loras (training_id, epoch) where training_id is not null;
