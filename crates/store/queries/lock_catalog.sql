-- Whoever changes the catalog goes one after the other, so that numbers grow in the order of commits.
SELECT number FROM catalog FOR UPDATE
