-- Who has a state. ctid is where the row lies: the batch that read it writes it there without looking for it again.
-- Whether there are traits is known, so that most people cost one look-up.
SELECT p.person_id, p.assignment_key, p.version, p.n, p.armed_at, p.hot, p.ctid::text AS place, p.has_traits,
       t.traits::text AS traits, t.times::text AS times, p.merged_into
FROM unnest($1::bigint[]) AS wanted (person_id)
JOIN persons p ON p.person_id = wanted.person_id
LEFT JOIN traits t ON p.has_traits AND t.person_id = p.person_id
