//! Functions that the standard library does not have.

/// How many terms of a series are added at most; it ends long before, where what follows changes nothing any more.
const TERMS: u32 = 100_000;

/// The logarithm of the gamma function, for `x > 0`: Lanczos's approximation (SIAM J. Numer. Anal. B 1, 1964) with
/// g = 7 and nine coefficients; relative error below 1e-14.
pub(crate) fn ln_gamma(x: f64) -> f64 {
    const G: f64 = 7.0;
    const COEFFICIENTS: [f64; 8] = [
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    if x < 0.5 {
        // Reflection: the approximation is for what lies right of it.
        return (std::f64::consts::PI / (std::f64::consts::PI * x).sin()).ln() - ln_gamma(1.0 - x);
    }
    let x = x - 1.0;
    let sum = COEFFICIENTS
        .iter()
        .zip(1_u8..)
        .fold(0.999_999_999_999_809_9, |sum, (coefficient, nth)| sum + coefficient / (x + f64::from(nth)));
    let t = x + G + 0.5;
    0.5 * (2.0 * std::f64::consts::PI).ln() + (x + 0.5) * t.ln() - t + sum.ln()
}

/// Gauss's hypergeometric function by its series, for `0 <= z < 1` and a `c` that is neither 0 nor a negative integer.
pub(crate) fn hypergeometric(a: f64, b: f64, c: f64, z: f64) -> f64 {
    let (mut sum, mut term) = (1.0, 1.0);
    for nth in 0..TERMS {
        let n = f64::from(nth);
        term *= (a + n) * (b + n) / ((c + n) * (n + 1.0)) * z;
        sum += term;
        if term.abs() <= f64::EPSILON * sum.abs() {
            break;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(ours: f64, theirs: f64) {
        assert!((ours - theirs).abs() <= 1e-12 * theirs.abs().max(1.0), "{ours} {theirs}");
    }

    #[test]
    fn gamma_of_whole_and_half_numbers() {
        let mut factorial = 0.0;
        for n in 1..150_i32 {
            close(ln_gamma(f64::from(n)), factorial);
            factorial += f64::from(n).ln();
        }
        let half = std::f64::consts::PI.sqrt().ln();
        close(ln_gamma(0.5), half);
        close(ln_gamma(1.5), half - 2_f64.ln());
        // Small ones, as parameters that run to 0 have.
        close(ln_gamma(1e-9), 1e9_f64.ln() - 0.577_215_664_9e-9);
    }

    #[test]
    fn hypergeometric_where_it_has_a_name() {
        // Abramowitz and Stegun 15.1.3, 15.1.8, and Euler's transformation 15.3.3.
        for z in [0.0, 0.1, 0.5, 0.9, 0.99] {
            close(hypergeometric(1.0, 1.0, 2.0, z), if z == 0.0 { 1.0 } else { -(1.0 - z).ln() / z });
            close(hypergeometric(0.7, 2.5, 2.5, z), (1.0 - z).powf(-0.7));
            let (a, b, c) = (0.3, -0.2, 1.7);
            let turned = (1.0 - z).powf(c - a - b) * hypergeometric(c - a, c - b, c, z);
            close(hypergeometric(a, b, c, z), turned);
        }
    }
}
