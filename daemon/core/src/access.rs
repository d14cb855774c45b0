//! Access: who may do what from outside the house.

use core::net::{IpAddr, Ipv4Addr};
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    ids::{ProjectId, TokenId},
    units::Millis,
};

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = TokenScope))]
pub enum Scope {
    /// Look at everything.
    Read,
    /// Say what is good and what is not.
    Review,
    /// Write, produce, pause, publish.
    Write,
    /// Give out tokens and see settings.
    Admin,
}

impl Scope {
    /// Its word in the contract, in files and in refusals.
    pub fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Review => "review",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }
}

/// A token that was given out; the text itself is told once and kept nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Token {
    /// Identity of the token, carried in its text and named when it is taken back.
    pub id: TokenId,
    /// What a person calls it.
    pub name: String,
    /// What it may do.
    pub scopes: BTreeSet<Scope>,
    /// The one project it may see; `None`: all.
    pub project: Option<ProjectId>,
    /// When it was given out.
    pub created: Millis,
    /// When it ends; `None`: never.
    pub expires: Option<Millis>,
    /// When it was taken back.
    pub revoked: Option<Millis>,
    /// When it was used last, to the minute.
    pub used: Option<Millis>,
}

impl Token {
    /// Whether it counts now.
    pub fn counts(&self, now: Millis) -> bool {
        self.revoked.is_none() && self.expires.is_none_or(|end| now < end)
    }
}

/// Whether an address is of the house: loopback, the private ranges (RFC 1918, RFC 4193) and link-local addresses.
pub fn is_local(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

/// Whether an address is one of the open internet: neither of the house nor reserved for anything else (RFC 6890). IPv4
/// inside IPv6 (mapped, RFC 6052, RFC 3056) counts as what it leads to.
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => {
            let parts = v6.segments();
            let inside = |at: usize| Ipv4Addr::from((u32::from(parts[at]) << 16) | u32::from(parts[at + 1]));
            match (parts[0], parts[1]) {
                (0x64, 0xff9b) => parts[2..6] == [0; 4] && is_public_v4(inside(6)),
                (0x2002, _) => is_public_v4(inside(1)),
                // IETF protocols, Teredo among them, and documentation.
                (0x2001, ..=0x01ff | 0xdb8) | (0x3fff, ..=0x0fff) => false,
                (first, _) => (0x2000..=0x3fff).contains(&first),
            }
        }
    }
}

fn is_public_v4(v4: Ipv4Addr) -> bool {
    let [a, b, c, _] = v4.octets();
    let reserved = match (a, b, c) {
        // This network, IETF protocols, 6to4 relays, shared address space, benchmarks, and what is nobody's.
        (0 | 240.., ..) | (192, 0, 0) | (192, 88, 99) | (100, 64..=127, _) | (198, 18 | 19, _) => true,
        _ => v4.is_documentation() || v4.is_multicast(),
    };
    !(reserved || is_local(IpAddr::V4(v4)))
}

/// Whether the name a page was opened by can only be of the house.
///
/// A page elsewhere may point a name of its own at this machine (DNS rebinding), but it cannot register an address,
/// a name without a dot, or one under the endings nobody can register (RFC 6761, RFC 6762, RFC 8375, `.internal`).
pub fn is_house_name(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let reserved = [".localhost", ".local", ".home.arpa", ".internal"];
    !host.is_empty()
        && (bare.parse::<IpAddr>().is_ok() || !host.contains('.') || reserved.iter().any(|end| host.ends_with(end)))
}

/// `studio.local:8401` without its port.
pub fn without_port(host: &str) -> &str {
    match host.rfind(':') {
        Some(at) if !host.ends_with(']') && !host[..at].contains(':') | host[..at].ends_with(']') => &host[..at],
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_house_is_known_by_address() {
        for local in
            ["127.0.0.1", "::1", "192.168.1.20", "10.9.8.7", "172.31.0.1", "fe80::1", "fd00::7", "::ffff:192.168.0.4"]
        {
            assert!(is_local(local.parse().unwrap()), "{local}");
        }
        for foreign in ["8.8.8.8", "172.32.0.1", "100.64.0.1", "2001:db8::1", "::ffff:8.8.8.8", "0.0.0.0"] {
            assert!(!is_local(foreign.parse().unwrap()), "{foreign}");
        }
    }

    #[test]
    fn only_the_open_internet_is_public() {
        for public in
            ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"]
        {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for other in [
            "127.0.0.1",
            "10.0.0.1",
            "192.168.1.1",
            "172.16.0.1",
            "169.254.169.254",
            "0.0.0.0",
            "0.1.2.3",
            "100.64.0.1",
            "192.0.0.8",
            "192.0.2.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:10.1.2.3",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "3fff::1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::808:808",
            "2002:7f00:1::1",
            "2002:c0a8:101::1",
            "fec0::1",
            "4000::1",
        ] {
            assert!(!is_public(other.parse().unwrap()), "{other}");
        }
    }

    #[test]
    fn only_names_nobody_can_register_are_of_the_house() {
        for house in ["localhost", "studio", "Studio.local", "studio.local.", "192.168.1.2", "[::1]", "pc.home.arpa"] {
            assert!(is_house_name(house), "{house}");
        }
        for other in ["evil.example", "studio.local.evil.example", "127.0.0.1.nip.io", "", "local.com"] {
            assert!(!is_house_name(other), "{other}");
        }
        for (host, bare) in
            [("a:80", "a"), ("a", "a"), ("[::1]:8401", "[::1]"), ("[::1]", "[::1]"), ("1.2.3.4:5", "1.2.3.4")]
        {
            assert_eq!(without_port(host), bare);
        }
    }

    #[test]
    fn a_token_ends() {
        let token = Token {
            id: TokenId(uuid::Uuid::nil()),
            name: "phone".into(),
            scopes: [Scope::Read].into(),
            project: None,
            created: Millis(0),
            expires: Some(Millis(10)),
            revoked: None,
            used: None,
        };
        assert!(token.counts(Millis(9)) && !token.counts(Millis(10)));
        assert!(!Token { revoked: Some(Millis(1)), ..token }.counts(Millis(2)));
    }
}
