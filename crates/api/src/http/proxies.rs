//! Where a request comes from, behind proxies.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, Request};
use ipnet::IpNet;

/// The proxies that are believed: what others write into `X-Forwarded-For` anybody could have written.
pub struct Proxies(Vec<IpNet>);

impl Proxies {
    /// These addresses and networks.
    pub fn new(trusted: Vec<IpNet>) -> Self {
        Self(trusted)
    }

    fn is_trusted(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The address of the connection, or the last of `X-Forwarded-For` that is not a trusted proxy's own, each of them named by a
    /// trusted proxy.
    pub fn address(&self, request: &Request) -> IpAddr {
        let connection = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let mut address = connection.map_or(Ipv4Addr::UNSPECIFIED.into(), |ConnectInfo(peer)| peer.ip().to_canonical());
        let forwarded = request.headers().get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
        let forwarded: Vec<&str> = forwarded.flat_map(|value| value.split(',')).map(str::trim).collect();
        for hop in forwarded.into_iter().rev() {
            let Ok(before) = hop.parse::<IpAddr>() else { break };
            if !self.is_trusted(address) {
                break;
            }
            address = before.to_canonical();
        }
        address
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::{ConnectInfo, Proxies, Request, SocketAddr};

    #[test]
    fn only_trusted_proxies_are_believed() {
        let proxies = Proxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
        for (peer, forwarded, address) in [
            ("192.0.2.1", "", "192.0.2.1"),
            ("192.0.2.1", "198.51.100.9", "192.0.2.1"),
            ("10.0.0.1", "198.51.100.9", "198.51.100.9"),
            ("10.0.0.1", "203.0.113.5, 198.51.100.9", "198.51.100.9"),
            ("10.0.0.1", "203.0.113.5, 198.51.100.9, 10.0.0.2", "198.51.100.9"),
            ("10.0.0.1", "nonsense", "10.0.0.1"),
            ("10.0.0.1", "", "10.0.0.1"),
        ] {
            let mut request = Request::new(Body::empty());
            request.extensions_mut().insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 1)));
            if !forwarded.is_empty() {
                request.headers_mut().insert("x-forwarded-for", forwarded.parse().unwrap());
            }
            assert_eq!(proxies.address(&request).to_string(), address, "{peer} {forwarded}");
        }
    }
}
