//! Probes, refusals and the sign-in form.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

use crate::access::Server;
use crate::pages;
use crate::pages::layout::{self, Nav, Page};

/// The process lives.
pub async fn health() -> &'static str {
    "ok\n"
}

/// The ledger answers and the pipelines are loaded.
pub async fn ready(State(server): State<Arc<Server>>) -> Response {
    let app = Arc::clone(&server.app);
    let tried = tokio::task::spawn_blocking(move || app.ledger.runs(None, 1).map(|_| ()).map_err(|e| e.to_string())).await;
    let unready = match tried {
        Ok(Ok(())) if server.app.pipelines().is_empty() => "no pipeline is loaded".to_owned(),
        Ok(Ok(())) => return "ready\n".into_response(),
        Ok(Err(reason)) => reason,
        Err(_) => "the ledger broke off".to_owned(),
    };
    (StatusCode::SERVICE_UNAVAILABLE, format!("{unready}\n")).into_response()
}

pub async fn not_found(State(server): State<Arc<Server>>) -> Response {
    refusal(&server, StatusCode::NOT_FOUND, "There is no page at this address.")
}

/// A page that says what went wrong and where to go from there.
pub fn refusal(server: &Server, status: StatusCode, message: &str) -> Response {
    let title = match status {
        StatusCode::NOT_FOUND => "Not here",
        StatusCode::CONFLICT => "Not now",
        StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => "Not allowed",
        StatusCode::BAD_REQUEST => "Not understood",
        _ => "Something broke",
    };
    let body = html! {
        div.centre role=[(status != StatusCode::NOT_FOUND).then_some("alert")] {
            p.code { (status.as_u16()) }
            h1 { (title) }
            p.message { (message) }
            p { a.button href="/" { "All pipelines" } }
        }
    };
    let document = if status == StatusCode::UNAUTHORIZED {
        layout::bare(server, title, &body)
    } else {
        layout::document(server, Nav::None, &Page::new(title, body))
    };
    pages::html(status, document)
}

pub fn sign_in(server: &Server, status: StatusCode, problem: Option<&str>) -> Response {
    pages::html(status, layout::bare(server, "Sign in", &form(server, problem)))
}

fn form(server: &Server, problem: Option<&str>) -> Markup {
    html! {
        form.sign-in.card method="post" action="/login" {
            h1 { (layout::logo()) "consumer360" }
            p.faint { "This console is kept for whoever knows its token." }
            input type="hidden" name="csrf" value=(server.csrf());
            label for="token" { "Token" }
            input #token type="password" name="token" required autocomplete="current-password"
                aria-describedby=[problem.map(|_| "problem")] aria-invalid=[problem.map(|_| "true")];
            @if let Some(problem) = problem { p #problem .problem role="alert" { (problem) } }
            button.primary type="submit" { "Sign in" }
        }
    }
}
