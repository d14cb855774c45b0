//! Guard: a proxy on this machine through which a program reaches the open internet and nothing else. Whatever address a
//! site names, redirects to, or has its name lead to later, is looked at when the connection is made.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use reqwest::Url;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream, lookup_host},
    task::{AbortHandle, JoinSet},
};

/// The longest head of a request, in bytes.
const LONGEST_HEAD: usize = 64 << 10;
/// How long it may take to ask, to find a name and to connect.
const PATIENCE: Duration = Duration::from_secs(20);
/// Connections at a time.
const MOST: usize = 64;

/// A proxy that is there as long as this is.
#[derive(Debug)]
pub struct Guard {
    address: SocketAddr,
    serving: AbortHandle,
}

impl Guard {
    /// Opens it on a free port of this machine; `may` says to which addresses it connects.
    ///
    /// # Errors
    /// No port can be had.
    pub async fn open(may: fn(IpAddr) -> bool) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let serving = tokio::spawn(async move {
            // They end with it.
            let mut open = JoinSet::new();
            loop {
                tokio::select! {
                    accepted = listener.accept(), if open.len() < MOST => match accepted {
                        Ok((from, _)) => drop(open.spawn(async move {
                            if let Err(error) = pass(from, may).await {
                                tracing::debug!(%error, "a connection of a program that fetches has ended");
                            }
                        })),
                        // Of descriptors, for example, there are more soon.
                        Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
                    },
                    Some(_) = open.join_next(), if !open.is_empty() => {}
                }
            }
        });
        Ok(Self { address, serving: serving.abort_handle() })
    }

    /// Its address, as programs take it, e.g. `http://127.0.0.1:40123`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// What a request asks for.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    host: String,
    port: u16,
    /// What is sent on in place of the head; `None`: a tunnel.
    head: Option<Vec<u8>>,
}

/// One request of a program, and everything that follows on its connection.
async fn pass(mut from: TcpStream, may: fn(IpAddr) -> bool) -> io::Result<()> {
    let (head, rest) = tokio::time::timeout(PATIENCE, read_head(&mut from)).await??;
    let Some(asked) = asked(&head) else { return refuse(&mut from, "400 Bad Request").await };
    let Ok(connected) = tokio::time::timeout(PATIENCE, connect(&asked, may)).await else {
        return refuse(&mut from, "504 Gateway Timeout").await;
    };
    let mut to = match connected {
        Ok(to) => to,
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            return refuse(&mut from, "403 Forbidden").await;
        }
        Err(_) => return refuse(&mut from, "502 Bad Gateway").await,
    };
    match asked.head {
        Some(head) => to.write_all(&head).await?,
        None => from.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?,
    }
    to.write_all(&rest).await?;
    copy_bidirectional(&mut from, &mut to).await.map(drop)
}

async fn refuse(from: &mut TcpStream, how: &str) -> io::Result<()> {
    from.write_all(format!("HTTP/1.1 {how}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").as_bytes()).await
}

/// The head with its empty line, and what came after it.
async fn read_head(from: &mut TcpStream) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let mut all = Vec::new();
    loop {
        if let Some(end) = all.windows(4).position(|four| four == b"\r\n\r\n") {
            let rest = all.split_off(end + 4);
            return Ok((all, rest));
        }
        if all.len() > LONGEST_HEAD || from.read_buf(&mut all).await? == 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
}

/// What a head asks for; `None`: nothing a proxy does.
fn asked(head: &[u8]) -> Option<Asked> {
    let text = std::str::from_utf8(head).ok()?;
    let (line, fields) = text.split_once("\r\n")?;
    let mut words = line.split(' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    if method == "CONNECT" {
        let url = Url::parse(&format!("https://{target}")).ok()?;
        return Some(Asked { host: host(&url)?, port: url.port_or_known_default()?, head: None });
    }
    let url = Url::parse(target).ok().filter(|url| url.scheme() == "http")?;
    let path = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    // One request on a connection: another could be for another host.
    let hop = |field: &&str| {
        let name = field.split(':').next().unwrap_or_default().trim().to_ascii_lowercase();
        !matches!(name.as_str(), "connection" | "proxy-connection" | "keep-alive" | "proxy-authorization")
    };
    let fields: Vec<&str> = fields.split("\r\n").filter(|field| !field.is_empty()).filter(hop).collect();
    let head = format!("{method} {path} {version}\r\n{}\r\nConnection: close\r\n\r\n", fields.join("\r\n"));
    Some(Asked { host: host(&url)?, port: url.port_or_known_default()?, head: Some(head.into_bytes()) })
}

fn host(url: &Url) -> Option<String> {
    Some(url.host_str()?.trim_start_matches('[').trim_end_matches(']').to_owned())
}

/// Connects to the very address that was looked at.
async fn connect(asked: &Asked, may: fn(IpAddr) -> bool) -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in lookup_host((asked.host.as_str(), asked.port)).await? {
        if !may(address.ip()) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        match TcpStream::connect(address).await {
            Ok(to) => return Ok(to),
            Err(error) => last = error,
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use studio_core::access::is_public;

    use super::*;

    async fn answer(guard: &Guard, request: &str) -> String {
        let mut to = TcpStream::connect(guard.address).await.unwrap();
        to.write_all(request.as_bytes()).await.unwrap();
        let mut told = String::new();
        to.read_to_string(&mut told).await.unwrap();
        told
    }

    #[tokio::test]
    async fn the_house_is_not_reached_however_it_is_asked_for() {
        let house = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = house.local_addr().unwrap().port();
        let guard = Guard::open(is_public).await.unwrap();
        for request in [
            format!("CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n"),
            format!("CONNECT localhost:{port} HTTP/1.1\r\nHost: example.org\r\n\r\n"),
            format!("CONNECT [::ffff:127.0.0.1]:{port} HTTP/1.1\r\n\r\n"),
            format!("GET http://2130706433:{port}/film HTTP/1.1\r\nHost: example.org\r\n\r\n"),
            format!("POST http://localhost:{port}/api HTTP/1.1\r\nContent-Length: 1\r\n\r\nx"),
        ] {
            let told = answer(&guard, &request).await;
            assert!(told.starts_with("HTTP/1.1 403"), "{request}: {told}");
        }
        for request in ["GET /film HTTP/1.1\r\n\r\n", "GET ftp://8.8.8.8/ HTTP/1.1\r\n\r\n", "CONNECT  \r\n\r\n"] {
            let told = answer(&guard, request).await;
            assert!(told.starts_with("HTTP/1.1 400"), "{request}: {told}");
        }
    }

    #[tokio::test]
    async fn what_may_be_reached_is_reached_and_only_that() {
        let site = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = site.local_addr().unwrap().port();
        let heard = tokio::spawn(async move {
            let mut all = Vec::new();
            for _ in 0..2 {
                let (mut from, _) = site.accept().await.unwrap();
                let (head, _) = read_head(&mut from).await.unwrap();
                from.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
                all.push(String::from_utf8(head).unwrap());
            }
            all
        });
        let guard = Guard::open(|_| true).await.unwrap();
        let plain =
            format!("GET http://127.0.0.1:{port}/a?b=c HTTP/1.1\r\nHost: here\r\nProxy-Connection: keep-alive\r\n\r\n");
        assert!(answer(&guard, &plain).await.starts_with("HTTP/1.1 204"));
        let tunnel = format!("CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\nGET /inside HTTP/1.1\r\n\r\n");
        let told = answer(&guard, &tunnel).await;
        assert!(told.starts_with("HTTP/1.1 200") && told.contains("HTTP/1.1 204"), "{told}");
        let heard = heard.await.unwrap();
        assert_eq!(heard[0], "GET /a?b=c HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n");
        assert_eq!(heard[1], "GET /inside HTTP/1.1\r\n\r\n");
    }
}
