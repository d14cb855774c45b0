-- Where people moved waiting work to, so that it is there again after a restart.

-- The task a person moved it before; null when nobody moved it. That one may be long gone.
alter table tasks add column moved_before text;
-- Which move of all this was: they are made again in this order.
alter table tasks add column moved bigint check (moved > 0);
