-- Who the names belong to. A merged person's names lead to whom they were merged into; heads_merged holds those alone.
SELECT i.kind, i.value, coalesce(h.merged_into, i.person_id) AS person_id
FROM unnest($1::smallint[], $2::text[]) AS wanted (kind, value)
JOIN identities i ON i.kind = wanted.kind AND i.value = wanted.value
LEFT JOIN heads h ON h.person_id = i.person_id AND h.merged_into IS NOT NULL
