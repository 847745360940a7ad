-- A journey may say that runs of its older versions end or go on in the new one. Who has any is told of it as people are of what
-- watches them; whether everybody is, or just they, is kept from one step to the next.
ALTER TABLE announcement ADD COLUMN everybody boolean NOT NULL DEFAULT true;
