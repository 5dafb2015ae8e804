//! Who calls, before anybody is known: what the connection and the headers of a request tell.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::language::Language;

/// The sender of a request.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The client's own words (`User-Agent`).
    pub device: String,
    /// Where the request comes from.
    pub address: IpAddr,
    /// The language that the client asks for (`Accept-Language`), if it is one of ours.
    pub wished: Option<Language>,
}

impl Caller {
    /// The language that the person is written to in, and titles are given in: French, the platform's own, where nothing is wished.
    #[must_use]
    pub fn language(&self) -> Language {
        self.wished.unwrap_or_default()
    }

    /// Where the request comes from, as far as it is kept: a network of hundreds, not a household.
    pub(crate) fn truncated_address(&self) -> String {
        match self.address.to_canonical() {
            IpAddr::V4(address) => format!("{}/24", Ipv4Addr::from_bits(address.to_bits() >> 8 << 8)),
            IpAddr::V6(address) => format!("{}/48", Ipv6Addr::from_bits(address.to_bits() >> 80 << 80)),
        }
    }

    /// What is counted as one caller: an IPv4 address, or the /64 that one subscriber has of IPv6.
    pub(crate) fn network(&self) -> String {
        match self.address.to_canonical() {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Caller;

    fn caller(address: &str) -> Caller {
        Caller { device: String::new(), address: address.parse().unwrap(), wished: None }
    }

    #[test]
    fn what_is_kept_of_an_address_is_no_household() {
        for (address, kept) in [
            ("192.0.2.7", "192.0.2.0/24"),
            ("::ffff:192.0.2.7", "192.0.2.0/24"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
            ("::1", "::/48"),
        ] {
            assert_eq!(caller(address).truncated_address(), kept);
        }
    }

    #[test]
    fn one_subscriber_is_one_caller() {
        let network = |address: &str| caller(address).network();
        assert_eq!(network("192.0.2.7"), "192.0.2.7");
        assert_eq!(network("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), network("2001:db8:1:2:ffff::1"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
    }
}
