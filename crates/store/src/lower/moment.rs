//! Moments from text, as `jiff` reads them.

/// What jiff takes for a moment or a date (RFC 3339, and the wider grammar of Temporal): groups are 1 year, 2 and 3 or
/// 4 and 5 month and day, 6 hour, 7 to 9 or 10 to 12 minute, second, fraction, 13 `Z`, 14 sign and 15 hours of the
/// offset, 16 to 18 or 19 to 21 its minutes, seconds, fraction; names of zones and other annotations are only checked.
const GRAMMAR: &str = concat!(
    "^([0-9]{4}|[+-][0-9]{6})",
    "(?:-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])|(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01]))",
    "(?:[ Tt]([01][0-9]|2[0-3])",
    "(?::([0-5][0-9])(?::([0-5][0-9]|60)(?:[.,]([0-9]{1,9}))?)?|([0-5][0-9])(?:([0-5][0-9]|60)(?:[.,]([0-9]{1,9}))?)?)?",
    "(?:([Zz])|([+-])([01][0-9]|2[0-5])",
    "(?::([0-5][0-9])(?::([0-5][0-9])(?:[.,]([0-9]{1,9}))?)?|([0-5][0-9])(?:([0-5][0-9])(?:[.,]([0-9]{1,9}))?)?)?)?)?",
    "(?:\\[!?(?:[+-](?:[01][0-9]|2[0-5])(?::?[0-5][0-9])?",
    "|[_.A-Za-z][-_.+0-9A-Za-z]*(?:/[_.A-Za-z][-_.+0-9A-Za-z]*)*)\\])?",
    "(?:\\[[_a-z][-_0-9a-z]*=[0-9A-Za-z]+(?:-[0-9A-Za-z]+)*\\])*$",
);

/// The form in which moments are mostly written. Finding the groups of the whole grammar takes ten times as long as a
/// look at this one, whose parts stand at known places.
const USUAL: &str = "^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\
                     (?:[.][0-9]{1,9})?Z$";

/// Text as a moment in microseconds, NULL where it is none. A date without an offset begins at midnight UTC, whatever
/// time of day stands behind it; so does one whose moment lies outside the calendar.
pub(super) fn of_text(text: &str) -> String {
    // Days from the civil date by Howard Hinnant's `days_from_civil`, 12,000 years later so that nothing is negative.
    format!(
        "(SELECT CASE WHEN c.leads AND c.at BETWEEN -377705023201 AND 253402207200 THEN c.at * 1000000 + c.ns / 1000 \
         + CASE WHEN c.at < 0 AND c.ns % 1000 > 0 THEN 1 ELSE 0 END \
         WHEN NOT c.zulu AND c.day * 86400 BETWEEN -377705023201 AND 253402207200 THEN c.day * 86400000000 END FROM \
         (SELECT b.day, b.ns, b.zulu, (b.zulu OR b.off IS NOT NULL) AND abs(coalesce(b.off, 0)) <= 93599 AS leads, \
         b.day * 86400 + b.secs - coalesce(b.off, 0) AS at FROM \
         (SELECT a.m[13] IS NOT NULL AS zulu, 365 * a.y + a.y / 4 - a.y / 100 + a.y / 400 \
         + (153 * (a.mon + CASE WHEN a.mon > 2 THEN -3 ELSE 9 END) + 2) / 5 + a.dom - 1 - 5102378 AS day, \
         a.hour * 3600 + coalesce(a.m[7], a.m[10], '0')::bigint * 60 \
         + least(59, coalesce(a.m[8], a.m[11], '0')::bigint) AS secs, \
         rpad(coalesce(a.m[9], a.m[12], '0'), 9, '0')::bigint AS ns, \
         (a.m[14] || '1')::bigint * (a.m[15]::bigint * 3600 + coalesce(a.m[16], a.m[19], '0')::bigint * 60 \
         + coalesce(a.m[17], a.m[20], '0')::bigint \
         + CASE WHEN coalesce(a.m[18], a.m[21], '0') >= '5' THEN 1 ELSE 0 END) AS off FROM \
         (SELECT g.m, coalesce(g.m[6], '0')::bigint AS hour, coalesce(g.m[2], g.m[4])::bigint AS mon, \
         coalesce(g.m[3], g.m[5])::bigint AS dom, \
         g.m[1]::bigint + 12000 - CASE WHEN coalesce(g.m[2], g.m[4]) <= '02' THEN 1 ELSE 0 END AS y FROM \
         (SELECT CASE WHEN h.t ~ '{USUAL}' THEN ARRAY[substr(h.t, 1, 4), substr(h.t, 6, 2), substr(h.t, 9, 2), NULL, NULL, \
         substr(h.t, 12, 2), substr(h.t, 15, 2), substr(h.t, 18, 2), nullif(rtrim(substr(h.t, 21), 'Z'), ''), \
         NULL, NULL, NULL, 'Z'] ELSE regexp_match(h.t, '{GRAMMAR}') END AS m \
         FROM (SELECT {text} COLLATE \"C\" AS t OFFSET 0) AS h OFFSET 0) AS g \
         WHERE abs(g.m[1]::bigint) <= 9999 AND g.m[1] <> '-000000' AND coalesce(g.m[3], g.m[5])::bigint <= \
         CASE coalesce(g.m[2], g.m[4]) WHEN '02' THEN CASE WHEN g.m[1]::bigint % 4 = 0 AND (g.m[1]::bigint % 100 <> 0 \
         OR g.m[1]::bigint % 400 = 0) THEN 29 ELSE 28 END WHEN '04' THEN 30 WHEN '06' THEN 30 WHEN '09' THEN 30 \
         WHEN '11' THEN 30 ELSE 31 END OFFSET 0) AS a OFFSET 0) AS b OFFSET 0) AS c)"
    )
}
