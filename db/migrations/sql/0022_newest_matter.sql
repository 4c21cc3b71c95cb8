-- What the newest words of a case are about, beside the category of the worst; null: nothing but that was said since.
alter table cases add column newest_category text;
