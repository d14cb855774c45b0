-- A shot's picture may be made from another picture.

-- The picture it is made from, and how far it may be left: object, core `SourcePicture`; null when from words alone.
alter table by_hand add column source jsonb;
