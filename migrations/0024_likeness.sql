-- Why a picture of a dataset is grouped as a copy: object, core `Likeness`; null of what is no copy, and of copies that were
-- found before this was kept.
alter table dataset_pictures add column likeness jsonb;
