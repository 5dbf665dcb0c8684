//! The paths, and their answers.

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::Response,
    routing::get,
};

use super::{
    board::{Board, StatusSource},
    metrics,
};
use crate::status::Readiness;

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";

/// Answers every path.
pub(super) fn router<S: StatusSource>(board: Board<S>) -> Router {
    Router::new()
        .route("/healthz", get(healthz::<S>))
        .route("/readyz", get(readyz::<S>))
        .route("/status", get(status::<S>))
        .route("/metrics", get(metrics::<S>))
        .fallback(unknown)
        .with_state(board)
}

/// Whether the process is alive and the driver's loop runs. Missing firmware does not count: a restart would not help.
async fn healthz<S: StatusSource>(State(board): State<Board<S>>) -> Response {
    match board.look().await.stale_seconds {
        None => answer(StatusCode::OK, TEXT, "ok\n".into()),
        Some(_) => answer(StatusCode::SERVICE_UNAVAILABLE, TEXT, "the driver does not answer\n".into()),
    }
}

/// Whether clients are served.
async fn readyz<S: StatusSource>(State(board): State<Board<S>>) -> Response {
    match board.look().await.readiness() {
        Readiness::Ready => answer(StatusCode::OK, TEXT, "ready\n".into()),
        Readiness::NotReady(reason) => answer(StatusCode::SERVICE_UNAVAILABLE, TEXT, format!("{reason}\n")),
    }
}

async fn status<S: StatusSource>(State(board): State<Board<S>>) -> Response {
    match serde_json::to_string_pretty(&board.look().await) {
        Ok(json) => answer(StatusCode::OK, JSON, json + "\n"),
        Err(error) => defect(&error),
    }
}

async fn metrics<S: StatusSource>(State(board): State<Board<S>>) -> Response {
    match metrics::encode(board.look().await) {
        Ok(text) => answer(StatusCode::OK, metrics::CONTENT_TYPE, text),
        Err(error) => defect(&error),
    }
}

async fn unknown() -> Response {
    let text = "not found; there are /healthz, /readyz, /status and /metrics\n";
    answer(StatusCode::NOT_FOUND, TEXT, text.into())
}

/// The status could not be encoded, which is a defect of the daemon and not of the request.
fn defect(error: &dyn std::error::Error) -> Response {
    answer(StatusCode::INTERNAL_SERVER_ERROR, TEXT, format!("the status cannot be encoded: {error}\n"))
}

fn answer(status: StatusCode, content_type: &'static str, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
