//! Addresses that are believed: single ones and networks. Nobody is believed unless listed, and nobody can list all.

use super::{ConfigError, shown};
use ipnet::{IpNet, Ipv4Net};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A list of addresses and networks. An empty one has nobody in it.
#[derive(Debug, Clone, Default)]
pub struct Peers(Vec<IpNet>);

impl Peers {
    /// Reads a list of addresses (`10.1.2.3`, `fd00::1`) and networks (`192.168.7.0/24`).
    ///
    /// # Errors
    /// What is neither; a network whose address has bits beyond its prefix, which is wider than it looks; and a list
    /// that holds all addresses of a family, in one entry or in several.
    pub fn parse<S: AsRef<str>>(entries: &[S]) -> Result<Peers, ConfigError> {
        let nets = entries.iter().map(|entry| read(entry.as_ref())).collect::<Result<Vec<_>, _>>()?;
        // Two halves are a whole.
        if IpNet::aggregate(&nets).iter().any(|net| net.prefix_len() == 0) {
            return Err(ConfigError::new("the peers hold every address there is")
                .help("list the addresses of the gateway; whoever is listed can say to be anybody"));
        }
        Ok(Peers(nets))
    }

    /// Whether the address is listed. An IPv4 address in IPv6 clothing (`::ffff:10.1.2.3`) is the IPv4 address.
    pub fn contains(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.0.iter().any(|net| net.contains(&peer))
    }

    /// Whether a network is listed that has more addresses than one subnet: more than 256 of IPv4, more than a /64.
    pub fn has_wide_network(&self) -> bool {
        self.0.iter().any(|net| match net {
            IpNet::V4(net) => net.prefix_len() < 24,
            IpNet::V6(net) => net.prefix_len() < 64,
        })
    }

    /// Whether this machine itself is listed, or a part of it.
    pub fn has_loopback(&self) -> bool {
        let here = [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)];
        self.0.iter().any(|net| net.addr().is_loopback() || here.iter().any(|address| net.contains(address)))
    }

    /// Whether nobody is listed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn read(entry: &str) -> Result<IpNet, ConfigError> {
    if let Ok(address) = entry.parse::<IpAddr>() {
        return Ok(IpNet::from(address.to_canonical()));
    }
    let net: IpNet = entry.parse().map_err(|_| {
        ConfigError::new(format!("{} is neither an address nor a network", shown(entry)))
            .help("write `10.1.2.3` or `192.168.7.0/24`")
    })?;
    let net = canonical(net);
    if net.addr() != net.network() {
        return Err(ConfigError::new(format!(
            "the network {} has an address beyond its prefix",
            shown(entry)
        ))
        .help(format!("write `{}`, or the address alone", net.trunc())));
    }
    Ok(net)
}

/// A network of IPv4 addresses in IPv6 clothing is the IPv4 network.
fn canonical(net: IpNet) -> IpNet {
    let IpNet::V6(v6) = net else { return net };
    match (v6.addr().to_ipv4_mapped(), v6.prefix_len().checked_sub(96)) {
        (Some(address), Some(prefix)) => Ipv4Net::new(address, prefix).map_or(net, IpNet::V4),
        _ => net,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(entries: &[&str], peer: &str) -> bool {
        Peers::parse(entries).unwrap().contains(peer.parse().unwrap())
    }

    #[test]
    fn an_empty_list_has_nobody_in_it() {
        for peer in ["127.0.0.1", "::1", "0.0.0.0", "::", "10.1.2.3"] {
            assert!(!contains(&[], peer), "{peer}");
        }
        assert!(Peers::parse::<&str>(&[]).unwrap().is_empty());
    }

    #[test]
    fn knows_what_is_wide_and_what_is_this_machine() {
        let wide = |entry: &str| Peers::parse(&[entry]).unwrap().has_wide_network();
        for entry in ["10.0.0.0/8", "192.168.6.0/23", "fd00::/8", "2001:db8::/63", "::ffff:10.0.0.0/112"] {
            assert!(wide(entry), "{entry}");
        }
        for entry in ["10.1.2.3", "192.168.7.0/24", "fd00:7::/64", "::1"] {
            assert!(!wide(entry), "{entry}");
        }
        let here = |entry: &str| Peers::parse(&[entry]).unwrap().has_loopback();
        for entry in
            ["127.0.0.1", "127.0.0.0/8", "127.9.0.0/16", "::1", "::/64", "64.0.0.0/2", "::ffff:127.0.0.1"]
        {
            assert!(here(entry), "{entry}");
        }
        for entry in ["10.1.2.3", "128.0.0.0/8", "fe80::/64", "::2"] {
            assert!(!here(entry), "{entry}");
        }
    }

    #[test]
    fn addresses_and_networks_hold_what_they_say() {
        let list = ["10.1.2.3", "192.168.7.0/24", "fd00:7::/64", "2001:db8::1"];
        for peer in ["10.1.2.3", "192.168.7.0", "192.168.7.255", "fd00:7::9", "2001:db8::1"] {
            assert!(contains(&list, peer), "{peer}");
        }
        for peer in
            ["10.1.2.4", "192.168.8.0", "192.168.6.255", "fd00:7:0:1::", "2001:db8::2", "127.0.0.1", "::1"]
        {
            assert!(!contains(&list, peer), "{peer}");
        }
    }

    #[test]
    fn a_mapped_address_is_the_address_on_both_sides() {
        assert!(contains(&["10.1.2.3"], "::ffff:10.1.2.3"));
        assert!(contains(&["::ffff:10.1.2.3"], "10.1.2.3"));
        assert!(contains(&["::ffff:10.1.2.0/120"], "10.1.2.77"));
        assert!(!contains(&["::ffff:10.1.2.0/120"], "10.1.3.77"));
        // A network of IPv6 that happens to hold the mapped ones does not let IPv4 in, however it is written.
        assert!(!contains(&["::/80"], "::ffff:10.1.2.3"));
        assert!(!contains(&["::/80"], "10.1.2.3"));
        assert!(!contains(&["10.1.2.3"], "::10.1.2.3"));
    }

    #[test]
    fn a_list_that_holds_everybody_is_refused() {
        for list in [
            &["0.0.0.0/0"][..],
            &["::/0"],
            &["::ffff:0.0.0.0/96"],
            &["10.1.2.3", "0.0.0.0/0"],
            &["0.0.0.0/1", "128.0.0.0/1"],
            &["::/1", "8000::/1"],
            &["0.0.0.0/2", "128.0.0.0/1", "10.1.2.3", "64.0.0.0/2"],
        ] {
            let error = Peers::parse(list).unwrap_err();
            assert!(error.message.contains("every address"), "{list:?}: {error}");
        }
    }

    #[test]
    fn what_is_no_address_and_what_is_wider_than_it_looks_is_refused() {
        for entry in [
            "",
            "*",
            "any",
            "localhost",
            "10.1.2",
            "10.1.2.3/33",
            "10.1.2.3/",
            "10.1.2.3/24/24",
            " 10.1.2.3",
            "010.1.2.3",
            "10.1.2.3:80",
            "[::1]",
            "fe80::1%eth0",
            "10.1.2.3/255.255.255.0",
            "10.1.2.3/24",
            "fd00::1/64",
            "1.2.3.4/0",
        ] {
            assert!(Peers::parse(&[entry]).is_err(), "{entry}");
        }
        assert!(Peers::parse(&["10.1.2.3/24"]).unwrap_err().to_string().contains("write `10.1.2.0/24`"));
    }
}
