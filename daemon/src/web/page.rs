//! The page: built from `ui/`, embedded in the program, the same offline.

use axum::{
    Extension,
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use rust_embed::{EmbeddedFile, RustEmbed};
use studio_core::access::Scope;

use super::{doors::Reader, guard::Caller, problem::Problem};

/// What `make ui` built.
#[derive(RustEmbed)]
#[folder = "../ui-dist"]
struct Built;

/// The screenplay the first-run guide makes.
const EXAMPLE: (&str, &str) = ("the-last-light.fountain", include_str!("../../../examples/the-last-light.fountain"));

/// What a page may do: use what comes from here, and run nothing that stands in the page itself.
pub const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; \
    media-src 'self' blob:; font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; \
    base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
/// The reference of the API styles its parts by itself and needs more.
const DOCS_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A method the address does not answer to; who is not known does not learn which it does.
pub async fn no_such_method(Extension(caller): Extension<Caller>, request: Request) -> Problem {
    let known = if request.uri().path().starts_with("/api/") { caller.needs(Scope::Read) } else { Ok(()) };
    known.err().unwrap_or_else(Problem::no_such_method)
}

/// The page and its files; every address that is no file is the page, which knows its own addresses.
pub async fn page(Extension(caller): Extension<Caller>, request: Request) -> Result<Response, Problem> {
    let path = request.uri().path().trim_start_matches('/');
    if path.starts_with("api/") || path == "api" {
        caller.needs(Scope::Read)?;
        return Err(Problem::no_such_address());
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(Problem::no_such_method());
    }
    if let Some(file) = Built::get(path).filter(|_| path != "index.html") {
        // Names of files under assets/ change with their content.
        let keep = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
        return Ok(file_answer(path, &file, keep, request.headers()));
    }
    if path == EXAMPLE.0 {
        return Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], EXAMPLE.1).into_response());
    }
    // A file that is asked for and is not there is no page.
    if path.starts_with("assets/") || path.rsplit('/').next().is_some_and(|name| name.contains('.')) {
        return Err(Problem::no_such_address());
    }
    let Some(index) = Built::get("index.html") else {
        return Err(Problem::unavailable("this program was built without its page; run 'make ui' and build it again"));
    };
    let mut answer = file_answer("index.html", &index, "no-cache", request.headers());
    answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_POLICY));
    Ok(answer)
}

fn file_answer(path: &str, file: &EmbeddedFile, keep: &'static str, headers: &HeaderMap) -> Response {
    let tag = format!("\"{}\"", studio_core::ids::ContentHash(file.metadata.sha256_hash()));
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let fresh = known.is_some_and(|known| known.split(',').any(|one| one.trim().trim_start_matches("W/") == tag));
    let mut answer = if fresh {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mut answer = Response::new(Body::from(file.data.clone().into_owned()));
        answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(mime(path)));
        answer
    };
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        answer.headers_mut().insert(header::ETAG, tag);
    }
    answer
}

fn mime(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "woff2" => "font/woff2",
        "webmanifest" => "application/manifest+json",
        "json" => "application/json",
        _ => "application/octet-stream",
    }
}

/// `/api/docs`: the reference of the API, to be read and tried without a network.
pub async fn docs(_: Reader) -> Response {
    const PAGE: &str = "<!doctype html><html lang=en><meta charset=utf-8>\
        <meta name=viewport content='width=device-width'><title>studiod API</title><div id=app></div>\
        <script src=/api/docs/scalar.js></script><script src=/api/docs/begin.js></script></html>";
    let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CONTENT_SECURITY_POLICY, DOCS_POLICY)];
    (headers, PAGE).into_response()
}

/// The reference's program, from its own crate.
pub async fn docs_program(_: Reader) -> Result<Response, Problem> {
    let program = scalar_api_reference::get_asset("scalar.js").ok_or_else(Problem::no_such_address)?;
    let headers = [(header::CONTENT_TYPE, "text/javascript; charset=utf-8"), (header::CACHE_CONTROL, "max-age=86400")];
    Ok((headers, program).into_response())
}

/// What begins it; a file of its own, because nothing in a page may run.
pub async fn docs_begin(_: Reader) -> Response {
    const BEGIN: &str = "Scalar.createApiReference('#app',{url:'/api/openapi.json',withDefaultFonts:false,\
        telemetry:false,hideClientButton:true,showDeveloperTools:'never',agent:{disabled:true}})";
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], BEGIN).into_response()
}
