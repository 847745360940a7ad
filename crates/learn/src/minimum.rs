//! The minimum of a function without derivatives: Nelder and Mead (Computer Journal 7, 1965), begun anew where it ended
//! until that finds nothing better, since a simplex that has collapsed looks like one that has arrived.

/// How often the simplex is built anew.
const ROUNDS: usize = 30;
/// How many times the function is asked in one round.
const ASKED: usize = 4_000;
/// How much better, relatively, counts as better.
const BETTER: f64 = 1e-11;

/// Where the minimum is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Minimum<const N: usize> {
    pub(crate) at: [f64; N],
    pub(crate) value: f64,
    /// Whether a round from here found nothing better.
    pub(crate) converged: bool,
}

/// Looks from `start` on, with steps of `step` at first. What is not a number counts as worse than everything.
pub(crate) fn minimum<const N: usize>(
    f: &impl Fn(&[f64; N]) -> f64,
    start: [f64; N],
    step: f64,
) -> Minimum<N> {
    let mut best = (worst_if_none(f(&start)), start);
    for round in 0..ROUNDS {
        // The other way each time, lest the simplex fall along the same line again.
        let step = if round.is_multiple_of(2) { step } else { -step / 2.0 };
        let found = simplex(f, best, step);
        let better = best.0 - found.0;
        let enough = better.is_finite() && better <= BETTER * (1.0 + found.0.abs());
        best = found;
        if enough {
            return Minimum { at: best.1, value: best.0, converged: best.0.is_finite() };
        }
    }
    Minimum { at: best.1, value: best.0, converged: false }
}

fn worst_if_none(value: f64) -> f64 {
    if value.is_nan() { f64::INFINITY } else { value }
}

type Corner<const N: usize> = (f64, [f64; N]);

fn simplex<const N: usize>(f: &impl Fn(&[f64; N]) -> f64, start: Corner<N>, step: f64) -> Corner<N> {
    let ask = |at: [f64; N]| (worst_if_none(f(&at)), at);
    let mut corners = vec![start];
    for nth in 0..N {
        let mut at = start.1;
        at[nth] += step;
        corners.push(ask(at));
    }
    let mut asked = 0;
    while asked < ASKED {
        // Stable: of equals the earlier stays before, so that the way is always the same.
        corners.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (best, second, worst) = (corners[0], corners[N - 1], corners[N]);
        let flat = worst.0 - best.0 <= BETTER * 0.01 * (1.0 + best.0.abs());
        let reach = (0..N).map(|nth| (worst.1[nth] - best.1[nth]).abs()).fold(0.0, f64::max);
        if flat && reach < 1e-6 || reach < 1e-12 {
            break;
        }
        let middle: [f64; N] = std::array::from_fn(|nth| {
            corners[..N].iter().map(|corner| corner.1[nth]).sum::<f64>() / N as f64
        });
        // From the worst through the middle of the others, so many times as far.
        let along = |times: f64| -> [f64; N] {
            std::array::from_fn(|nth| middle[nth] + times * (middle[nth] - worst.1[nth]))
        };
        let reflected = ask(along(1.0));
        asked += 1;
        let next = if reflected.0 < best.0 {
            asked += 1;
            let expanded = ask(along(2.0));
            Some(if expanded.0 < reflected.0 { expanded } else { reflected })
        } else if reflected.0 < second.0 {
            Some(reflected)
        } else {
            asked += 1;
            let (against, times) = if reflected.0 < worst.0 { (reflected.0, 0.5) } else { (worst.0, -0.5) };
            let contracted = ask(along(times));
            (contracted.0 < against).then_some(contracted)
        };
        match next {
            Some(corner) => corners[N] = corner,
            None => {
                for corner in &mut corners[1..] {
                    *corner = ask(std::array::from_fn(|nth| (corner.1[nth] + best.1[nth]) / 2.0));
                }
                asked += N;
            }
        }
    }
    corners.into_iter().min_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valleys() {
        // Rosenbrock (Computer Journal 3, 1960), in two and four dimensions.
        let two = |at: &[f64; 2]| (1.0 - at[0]).powi(2) + 100.0 * (at[1] - at[0] * at[0]).powi(2);
        let found = minimum(&two, [-1.2, 1.0], 0.5);
        assert!(found.converged && found.at.iter().all(|at| (at - 1.0).abs() < 1e-4), "{found:?}");
        let four = |at: &[f64; 4]| -> f64 {
            at.windows(2).map(|at| (1.0 - at[0]).powi(2) + 100.0 * (at[1] - at[0] * at[0]).powi(2)).sum()
        };
        let found = minimum(&four, [0.0; 4], 0.5);
        assert!(found.converged && found.at.iter().all(|at| (at - 1.0).abs() < 1e-3), "{found:?}");
    }

    #[test]
    fn what_is_no_number_is_left() {
        let f = |at: &[f64; 1]| if at[0] < 2.0 { f64::NAN } else { at[0] };
        let found = minimum(&f, [10.0], 1.0);
        assert!(found.converged && (found.at[0] - 2.0).abs() < 1e-3, "{found:?}");
        let nowhere = |_: &[f64; 2]| f64::NAN;
        assert!(!minimum(&nowhere, [0.0, 0.0], 1.0).converged);
    }
}
