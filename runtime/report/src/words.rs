//! Numbers and nouns as a person writes them.

/// `1 record`, `2,000 records`.
pub fn count(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

/// `12,345`
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share in percent with two decimals, never rounded up to 100: `99.99`. Of nothing there is no share: `–`.
pub fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    let hundredths = u128::from(part) * 10_000 / u128::from(whole);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_000), "1,000");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(count(1, "record", "records"), "1 record");
    }

    #[test]
    fn a_share_is_a_hundred_only_when_all_of_it_is() {
        assert_eq!(percent(999_999, 1_000_000), "99.99");
        assert_eq!(percent(3, 3), "100.00");
        assert_eq!(percent(0, 0), "–", "of nothing nothing is right");
    }
}
