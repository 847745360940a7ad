//! Decimals as `rust_decimal` computes them, in the `numeric` of Postgres.

/// A `float8` as `Decimal::from_f64` makes a decimal of it; NULL where it is too large for one.
///
/// The cast of Postgres rounds to 15 digits, `from_f64` to as many as leave a mantissa below 2^52: 15 or 16. It cuts one
/// digit after the other and rounds each time, so that what is cut rounds up from 0.444…45 on; `+ 5/9` and `trunc` do
/// that at once; the last digit of all is never rounded up. The number's exact value comes out of it in chunks of 53 bits: scaling by 2^53 is exact.
pub(super) fn of_double(number: &str) -> String {
    // 2^-53, exactly.
    const CHUNK: &str = "0.00000000000000011102230246251565404236316680908203125::numeric";
    const FIVE_NINTHS: &str = "0.5555555555555555555555555555555555555556";
    let (up, down) = (2f64.powi(53), 2f64.powi(-53));
    // 2^96: `from_f64` has 96 bits for the mantissa.
    let too_large = 2f64.powi(96);
    format!(
        "(SELECT CASE WHEN abs(w.x) < 9.444444444444444e-29::float8 THEN 0 \
         WHEN w.hi < 4503599627370496 THEN sign(w.x)::numeric * w.hi * ('1e-' || w.s)::numeric \
         ELSE sign(w.x)::numeric * w.lo * ('1e-' || w.t)::numeric END FROM \
         (SELECT v.x, v.s, v.t, trunc(v.e * ('1e' || v.s)::numeric + {FIVE_NINTHS}) AS hi, \
         trunc(v.e * ('1e' || v.t)::numeric + {FIVE_NINTHS}) AS lo FROM \
         (SELECT u.x, u.e, greatest(0, least(28, 15 - u.d)) AS s, greatest(0, least(28, 14 - u.d)) AS t FROM \
         (SELECT q.x, floor(log(q.m))::integer AS d, (((trunc((q.c3 - trunc(q.c3)) * {up:e}::float8)::bigint * {CHUNK} \
         + trunc(q.c3)::bigint) * {CHUNK} + trunc(q.c2)::bigint) * {CHUNK} + trunc(q.c1)::bigint \
         + q.c0::bigint::numeric * 9007199254740992) AS e FROM \
         (SELECT r.*, (r.c2 - trunc(r.c2)) * {up:e}::float8 AS c3 FROM \
         (SELECT s.*, (s.c1 - trunc(s.c1)) * {up:e}::float8 AS c2 FROM \
         (SELECT n.x, n.m, trunc(n.m * {down:e}::float8) AS c0, \
         n.m - trunc(n.m * {down:e}::float8) * {up:e}::float8 AS c1 FROM \
         (SELECT f.x, CASE WHEN abs(f.x) >= 1e-40::float8 AND abs(f.x) < {too_large:e}::float8 THEN abs(f.x) END AS m \
         FROM (SELECT {number} AS x OFFSET 0) AS f OFFSET 0) AS n OFFSET 0) AS s OFFSET 0) AS r OFFSET 0) AS q OFFSET 0) \
         AS u OFFSET 0) AS v OFFSET 0) AS w)"
    )
}

/// A product of decimals that has at most 28 digits, or so many places that they are rounded to 28, half to even; NULL
/// from 2^96 on.
pub(super) fn product(a: &str, b: &str) -> String {
    format!(
        "(SELECT CASE WHEN abs(y.p) >= 79228162514264337593543950336 THEN NULL WHEN scale(y.p) <= 28 THEN y.p \
         ELSE (trunc(y.p * 1e28) + CASE WHEN abs(y.p * 1e28 - trunc(y.p * 1e28)) > 0.5 \
         OR (abs(y.p * 1e28 - trunc(y.p * 1e28)) = 0.5 AND trunc(y.p * 1e28) % 2 <> 0) THEN sign(y.p) ELSE 0 END) \
         * 1e-28 END FROM (SELECT {a} * {b} AS p OFFSET 0) AS y)"
    )
}
