//! The functions of statistics that beliefs are compared by.

/// The standard normal distribution function, to 7.5e-8 (Abramowitz and Stegun 1964, 26.2.17).
pub(super) fn phi(x: f64) -> f64 {
    const B: [f64; 5] = [0.319_381_530, -0.356_563_782, 1.781_477_937, -1.821_255_978, 1.330_274_429];
    if x.abs() > 8.0 {
        return if x > 0.0 { 1.0 } else { 0.0 };
    }
    let t = 1.0 / (1.0 + 0.231_641_9 * x.abs());
    let series = B.iter().rev().fold(0.0, |sum, b| (sum + b) * t);
    let tail = (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt() * series;
    if x > 0.0 { 1.0 - tail } else { tail }
}

/// gamma(x + 1/2) / gamma(x), of x above 0 (Tricomi and Erdelyi 1951, eq. 19, at x of 10 and above).
pub(super) fn half_step(mut x: f64) -> f64 {
    let mut below = 1.0;
    while x < 10.0 {
        below *= x / (x + 0.5);
        x += 1.0;
    }
    let y = 1.0 / x;
    let series = 1.0 - y * (1.0 / 8.0 - y * (1.0 / 128.0 + y * (5.0 / 1024.0 - y * 21.0 / 32_768.0)));
    below * x.sqrt() * series
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of R's `pnorm`; gamma(1) is 1, gamma(1/2) and gamma(3/2) are the root of pi and half of it.
    #[test]
    fn known_values() {
        let near =
            |got: f64, expected: f64| assert!((got - expected).abs() < 1e-7, "{got} is not {expected}");
        near(phi(0.0), 0.5);
        near(phi(1.0), 0.841_344_746);
        near(phi(-1.959_964), 0.025);
        near(phi(-9.0), 0.0);
        near(half_step(0.5), 1.0 / std::f64::consts::PI.sqrt());
        near(half_step(1.0), std::f64::consts::PI.sqrt() / 2.0);
        near(half_step(1e-9), 1e-9 * std::f64::consts::PI.sqrt());
        near(half_step(100.0), 9.987_507_861);
    }
}
