-- Archives of a project once brought rejected pictures whose files had left the disk without a row of their file. What is known of such
-- a file is its name alone: it is missing, and nothing was read of it.
insert into assets (hash, ext, bytes, facts, attempt_id, inputs, created_ms, missing)
select p.asset, min(p.ext), 0, '{"kind":"other"}', null, '[]', min(p.created_ms), true
  from dataset_pictures p
 where not exists (select 1 from assets a where a.hash = p.asset)
 group by p.asset;
