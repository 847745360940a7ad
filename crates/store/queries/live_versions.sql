-- Which versions runs are pinned to, those among them that are on their way from one person to another. From value to value through the index: there may be millions of runs of each.
WITH RECURSIVE versions (plan) AS (
    (SELECT plan FROM runs ORDER BY plan LIMIT 1)
    UNION ALL
    SELECT (SELECT runs.plan FROM runs WHERE runs.plan > versions.plan ORDER BY runs.plan LIMIT 1)
    FROM versions
    WHERE versions.plan IS NOT NULL
)
SELECT plan FROM versions WHERE plan IS NOT NULL
UNION
SELECT unnest(plans) FROM handovers
