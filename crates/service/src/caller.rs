//! Who calls, before anybody is known: what the connection and the headers of a request tell.

use std::net::{IpAddr, Ipv6Addr};

use crate::language::Language;

/// The sender of a request.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The client's own words (`User-Agent`).
    pub device: String,
    /// Where the request comes from.
    pub address: IpAddr,
    /// The language that the client asks for (`Accept-Language`).
    pub language: Language,
}

impl Caller {
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
    use super::{Caller, Language};

    #[test]
    fn one_subscriber_is_one_caller() {
        let network = |address: &str| {
            Caller { device: String::new(), address: address.parse().unwrap(), language: Language::French }.network()
        };
        assert_eq!(network("192.0.2.7"), "192.0.2.7");
        assert_eq!(network("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), network("2001:db8:1:2:ffff::1"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
    }
}
