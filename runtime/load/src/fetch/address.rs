//! Addresses that files may be fetched from.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Stretches of version 4 that lead to no public computer: first address, bits that all of it share.
const CLOSED: &[([u8; 4], u32)] = &[
    ([0, 0, 0, 0], 8),       // this network
    ([10, 0, 0, 0], 8),      // private
    ([100, 64, 0, 0], 10),   // shared by a carrier's customers
    ([127, 0, 0, 0], 8),     // this computer
    ([169, 254, 0, 0], 16),  // this link, with the metadata of cloud machines
    ([172, 16, 0, 0], 12),   // private
    ([192, 0, 0, 0], 24),    // protocols
    ([192, 0, 2, 0], 24),    // documentation
    ([192, 88, 99, 0], 24),  // relays to version 6
    ([192, 168, 0, 0], 16),  // private
    ([198, 18, 0, 0], 15),   // measurements
    ([198, 51, 100, 0], 24), // documentation
    ([203, 0, 113, 0], 24),  // documentation
    ([224, 0, 0, 0], 4),     // many at once
    ([240, 0, 0, 0], 4),     // reserved, and everybody
];

/// Stretches of version 6 within the public one (2000::/3) that lead to no public computer, or hide one of version 4.
const CLOSED_SIX: &[(u128, u32)] = &[
    (0x2001_0000 << 96, 23), // protocols, tunnels among them
    (0x2001_0db8 << 96, 32), // documentation
    (0x2002_0000 << 96, 16), // version 4 inside
    (0x3fff_0000 << 96, 20), // documentation
];

/// Version 4 inside version 6 as networks without version 4 reach it.
const TRANSLATED: (u128, u32) = (0x0064_ff9b << 96, 96);

/// True where an address belongs to a computer that anyone can reach: not to this one, a private network, or many at
/// once.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_four(address),
        IpAddr::V6(address) => is_public_six(address),
    }
}

fn is_public_four(address: Ipv4Addr) -> bool {
    let bits = u32::from(address);
    !CLOSED.iter().any(|(first, shared)| same(bits.into(), u32::from_be_bytes(*first).into(), 32 - shared))
}

fn is_public_six(address: Ipv6Addr) -> bool {
    let bits = u128::from(address);
    if same(bits, TRANSLATED.0, 128 - TRANSLATED.1) {
        let [.., a, b, c, d] = address.octets();
        return is_public_four(Ipv4Addr::new(a, b, c, d));
    }
    let is_global = same(bits, 0x2000 << 112, 128 - 3);
    is_global && !CLOSED_SIX.iter().any(|(first, shared)| same(bits, *first, 128 - shared))
}

/// True where two addresses differ in their last bits only.
fn same(one: u128, other: u128, last: u32) -> bool {
    one >> last == other >> last
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn public(text: &str) -> bool {
        is_public(text.parse().unwrap())
    }

    #[test]
    fn public_computers_are_reached() {
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "93.184.216.34",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "223.255.255.255",
        ] {
            assert!(public(text), "{text}");
        }
        for text in ["2606:4700:4700::1111", "2a00:1450:4001:81b::200e", "64:ff9b::8.8.8.8", "2003::1"] {
            assert!(public(text), "{text}");
        }
    }

    #[test]
    fn no_private_network_this_computer_or_many_at_once_are_reached() {
        for text in [
            "0.0.0.0",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.0",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.0",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
        ] {
            assert!(!public(text), "{text}");
        }
        for text in [
            "::",
            "::1",
            "::ffff:8.8.8.8",
            "::ffff:127.0.0.1",
            "::8.8.8.8",
            "64:ff9b::10.0.0.1",
            "64:ff9b::127.0.0.1",
            "64:ff9b:1::1",
            "fc00::1",
            "fdff::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "3fff::1",
            "100::1",
            "5f00::1",
        ] {
            assert!(!public(text), "{text}");
        }
    }

    /// The first four bytes of closed networks in another form: by what the standard library, or plain comparison, says of them.
    fn is_closed_by_words(address: Ipv4Addr) -> bool {
        let [a, b, c, _] = address.octets();
        address.is_private()
            || address.is_loopback()
            || address.is_link_local()
            || address.is_multicast()
            || address.is_broadcast()
            || address.is_documentation()
            || address.is_unspecified()
            || a == 0
            || a >= 240
            || (a == 100 && (64..128).contains(&b))
            || (a == 198 && (18..20).contains(&b))
            || (a, b, c) == (192, 0, 0)
            || (a, b, c) == (192, 88, 99)
    }

    proptest! {
        #[test]
        fn every_address_of_version_four_is_public_unless_a_rule_closes_it(bits in any::<u32>()) {
            let address = Ipv4Addr::from(bits);
            prop_assert_eq!(is_public(IpAddr::V4(address)), !is_closed_by_words(address));
        }

        #[test]
        fn an_address_near_a_border_is_judged_alike(at in 0..CLOSED.len(), off in -2_i64..=2, end in any::<bool>()) {
            let (first, shared) = CLOSED[at];
            let start = i64::from(u32::from_be_bytes(first));
            let border = if end { start + (1_i64 << (32 - shared)) - 1 } else { start };
            if let Ok(bits) = u32::try_from(border + off) {
                let address = Ipv4Addr::from(bits);
                prop_assert_eq!(is_public(IpAddr::V4(address)), !is_closed_by_words(address));
            }
        }

        #[test]
        fn no_form_of_version_six_hides_a_closed_address(bits in any::<u32>()) {
            let four = Ipv4Addr::from(bits);
            prop_assert!(!is_public(IpAddr::V6(four.to_ipv6_mapped())));
            prop_assert!(!is_public(IpAddr::V6(Ipv6Addr::from(u128::from(bits)))));
            prop_assert!(!is_public(IpAddr::V6(Ipv6Addr::from((0x2002_u128 << 112) | (u128::from(bits) << 80)))));
            let translated = Ipv6Addr::from((0x0064_ff9b_u128 << 96) | u128::from(bits));
            prop_assert_eq!(is_public(IpAddr::V6(translated)), is_public(IpAddr::V4(four)));
        }

        #[test]
        fn nothing_outside_the_public_stretch_of_version_six_is_reached(bits in any::<u128>()) {
            let address = Ipv6Addr::from(bits);
            let is_inside = bits >> 125 == 1;
            let is_translated = bits >> 32 == 0x0064_ff9b << 64;
            prop_assert!(is_inside || is_translated || !is_public(IpAddr::V6(address)));
            prop_assert!(!(address.is_multicast() || address.is_loopback()) || !is_public(IpAddr::V6(address)));
        }
    }
}
