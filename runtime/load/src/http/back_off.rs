//! Pauses between attempts: doubled each time, spread by a seed and nothing else.

use std::time::Duration;

use crate::HttpOptions;

/// The pause after attempt number `attempt` (from 1) of what `about` names: between half and all of the doubled first pause.
pub fn pause(options: &HttpOptions, about: &str, attempt: u32) -> Duration {
    let doubled = options.back_off.saturating_mul(1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX));
    let longest = doubled.min(options.longest_back_off);
    let mut mixed = options.jitter_seed ^ (u64::from(attempt) << 32);
    for byte in about.bytes() {
        mixed = scramble(mixed ^ u64::from(byte));
    }
    let share = u32::try_from(scramble(mixed) >> 48).unwrap_or_default();
    longest / 2 + (longest / 2).mul_f64(f64::from(share) / 65_536.0)
}

/// One round of SplitMix64.
fn scramble(state: u64) -> u64 {
    let state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let state = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    state ^ (state >> 31)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::pause;
    use crate::HttpOptions;

    #[test]
    fn pauses_double_up_to_the_longest_and_the_seed_alone_spreads_them() {
        let options = HttpOptions { back_off: Duration::from_secs(1), ..HttpOptions::default() };
        for (attempt, whole) in [(1, 1.0), (2, 2.0), (3, 4.0), (6, 30.0), (60, 30.0)] {
            let pause = pause(&options, "GET /rest/people", attempt).as_secs_f64();
            assert!(pause >= whole / 2.0 && pause <= whole, "attempt {attempt}: {pause}");
        }
        assert_eq!(pause(&options, "x", 3), pause(&options, "x", 3));
        let other = HttpOptions { jitter_seed: 1, ..options.clone() };
        assert_ne!(pause(&options, "x", 3), pause(&other, "x", 3));
    }
}
