//! Which request fails, and how: a function of the seed and the request's number.

use crate::Faults;

/// Fault that is made of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// 500, not carried out.
    Error,
    /// Cut before it is carried out.
    ResetBefore,
    /// Carried out, then cut.
    ResetAfter,
    /// 429, not carried out.
    Limit,
    /// No answer, not carried out.
    SilentBefore,
    /// Carried out, but no answer.
    SilentAfter,
    /// Carried out, answered with text that is not JSON.
    BadJson,
    /// Carried out, answered by half.
    Half,
    /// Carried out, answered late.
    Slow,
    /// Carried out, answered as if it were refused.
    Contradiction,
}

/// The fault of request `number`, if it is to have one.
pub(crate) fn choose(faults: &Faults, number: u64) -> Option<Fault> {
    let draw = mix(faults.seed ^ mix(number));
    #[expect(clippy::cast_precision_loss, reason = "a draw needs no more than 53 bits")]
    let percent = (draw >> 11) as f64 / (1_u64 << 53) as f64 * 100.0;
    let silent = if draw & 1 == 0 { Fault::SilentBefore } else { Fault::SilentAfter };
    let shares = [
        (faults.percent_500, Fault::Error),
        (faults.percent_reset_before, Fault::ResetBefore),
        (faults.percent_reset_after, Fault::ResetAfter),
        (faults.percent_429, Fault::Limit),
        (faults.percent_timeout, silent),
        (faults.percent_bad_json, Fault::BadJson),
        (faults.percent_half, Fault::Half),
        (faults.percent_slow, Fault::Slow),
        (faults.percent_contradiction, Fault::Contradiction),
    ];
    let mut below = 0.0;
    for (share, fault) in shares {
        below += share;
        if percent < below {
            return Some(fault);
        }
    }
    None
}

/// SplitMix64's finisher: every bit of the input moves every bit of the output.
fn mix(input: u64) -> u64 {
    let mut value = input.wrapping_add(0x9e37_79b9_7f4a_7c15);
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::{Fault, choose};
    use crate::Faults;

    #[test]
    fn the_share_of_failures_is_the_one_asked_for_and_always_the_same() {
        let faults = Faults { percent_500: 10.0, percent_reset_after: 5.0, seed: 7, ..Faults::default() };
        let drawn: Vec<Option<Fault>> = (0..10_000).map(|number| choose(&faults, number)).collect();
        let share = |wanted: Fault| drawn.iter().filter(|fault| **fault == Some(wanted)).count();
        assert!((900..1100).contains(&share(Fault::Error)), "{}", share(Fault::Error));
        assert!((420..580).contains(&share(Fault::ResetAfter)), "{}", share(Fault::ResetAfter));
        assert_eq!(drawn, (0..10_000).map(|number| choose(&faults, number)).collect::<Vec<_>>());
    }

    #[test]
    fn no_faults_asked_for_are_no_faults() {
        assert!((0..1000).all(|number| choose(&Faults::default(), number).is_none()));
    }
}
