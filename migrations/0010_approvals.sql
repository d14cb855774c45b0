-- Parts a person looks at before work goes on from them.

-- `episodes.state` may be awaiting_approval as well: what is made waits until a person has approved it.

-- Content hash of what a person approved: work goes on from it; null when nobody has, or something else is to be seen.
alter table by_hand add column approved text;
