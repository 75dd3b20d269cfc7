use std::net::IpAddr;
use std::sync::{Arc, Once};

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;
use ipnet::IpNet;

use crate::Peer;

const FORWARDED: &str = "x-forwarded-for";
/// Scheme that the client of a proxy uses. Without a trusted proxy, a request never has it.
const FORWARDED_SCHEME: &str = "x-forwarded-proto";

/// Done when the first client other than a trusted proxy has sent a forwarded address.
static UNTRUSTED: Once = Once::new();

fn warn_untrusted() {
    tracing::warn!(
        "X-Forwarded-For of a client that is no trusted proxy is not used: if it is a proxy of yours, add it to trusted_proxies; until then all its clients share one limit"
    );
}

/// Returns the address of the client: the peer of the connection. Behind trusted proxies, it is the
/// last address in `X-Forwarded-For` that is not a trusted proxy.
pub fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let mut client = peer.to_canonical();
    if !is_trusted(&client, trusted) {
        if headers.contains_key(FORWARDED) {
            UNTRUSTED.call_once(warn_untrusted);
        }
        return client;
    }
    let named = headers.get_all(FORWARDED).iter().rev();
    let named = named.flat_map(|value| value.to_str().unwrap_or_default().rsplit(','));
    for text in named {
        let Ok(address) = text.trim().parse::<IpAddr>() else {
            return client;
        };
        client = address.to_canonical();
        if !is_trusted(&client, trusted) {
            return client;
        }
    }
    client
}

/// True if a trusted proxy says that its client uses HTTPS. The first of several proxies is nearest to
/// the client.
pub fn is_forwarded_https(headers: &HeaderMap) -> bool {
    let named = headers.get(FORWARDED_SCHEME);
    let named = named.and_then(|named| named.to_str().ok()?.split(',').next());
    named.is_some_and(|scheme| scheme.trim().eq_ignore_ascii_case("https"))
}

/// Removes the scheme from requests of clients other than trusted proxies.
pub(crate) async fn without_claimed_scheme(
    State(trusted): State<Arc<[IpNet]>>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = request.extensions().get::<Peer>();
    if !peer.is_some_and(|peer| is_trusted(&peer.0.ip().to_canonical(), &trusted)) {
        request.headers_mut().remove(FORWARDED_SCHEME);
    }
    next.run(request).await
}

pub(crate) fn is_trusted(address: &IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|net| net.contains(address))
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::middleware::from_fn_with_state;
    use axum::routing::get;
    use tower::ServiceExt as _;

    use super::*;

    fn client(peer: &str, forwarded: &[&'static str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        client_address(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        assert_eq!(client("192.0.2.7", &["198.51.100.1"]), "192.0.2.7");
        assert_eq!(client("10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(
            client("10.0.0.1", &["203.0.113.9, 198.51.100.1"]),
            "198.51.100.1"
        );
        assert_eq!(
            client("10.0.0.1", &["198.51.100.1, 10.0.0.2"]),
            "198.51.100.1"
        );
        assert_eq!(
            client("10.0.0.1", &["198.51.100.1", "10.0.0.2"]),
            "198.51.100.1"
        );
        assert_eq!(client("10.0.0.1", &["nonsense"]), "10.0.0.1");
        assert_eq!(
            client("::ffff:10.0.0.1", &["::ffff:192.0.2.7"]),
            "192.0.2.7"
        );
    }

    #[tokio::test]
    async fn only_a_trusted_proxy_names_the_scheme() {
        let handler = |headers: HeaderMap| async move { is_forwarded_https(&headers).to_string() };
        let trusted: Arc<[IpNet]> = Arc::new(["10.0.0.0/8".parse().unwrap()]);
        let router = Router::new()
            .route("/", get(handler))
            .layer(from_fn_with_state(trusted, without_claimed_scheme));
        for (peer, named, expected) in [
            ("10.0.0.1", "https", "true"),
            ("::ffff:10.0.0.1", "HTTPS, http", "true"),
            ("10.0.0.1", "http", "false"),
            ("192.0.2.1", "https", "false"),
        ] {
            let request = Request::get("/").header(FORWARDED_SCHEME, named);
            let mut request = request.body(Body::empty()).unwrap();
            let peer = SocketAddr::new(peer.parse().unwrap(), 1);
            request.extensions_mut().insert(Peer(peer));
            let answer = router.clone().oneshot(request).await.unwrap();
            let answer = to_bytes(answer.into_body(), 9).await.unwrap();
            assert_eq!(answer, expected, "{peer} {named}");
        }
    }
}
