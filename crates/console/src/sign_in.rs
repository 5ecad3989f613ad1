//! The form that takes the token, and the way out.

use std::sync::Arc;
use std::time::Duration;

use axum::Form;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use crate::access::{COOKIE, Server};
use crate::pages;

/// What every wrong token waits for, so that guessing is slow.
const DELAY: Duration = Duration::from_millis(400);

#[derive(Deserialize)]
pub struct Fields {
    #[serde(default)]
    token: String,
    #[serde(default)]
    csrf: String,
}

pub async fn form(State(server): State<Arc<Server>>, headers: HeaderMap) -> Response {
    if server.admits(&headers) { Redirect::to("/").into_response() } else { pages::sign_in(&server, StatusCode::OK, None) }
}

pub async fn enter(State(server): State<Arc<Server>>, headers: HeaderMap, Form(fields): Form<Fields>) -> Response {
    if !server.is_own_form(&headers, &fields.csrf) {
        return pages::sign_in(&server, StatusCode::FORBIDDEN, Some("The form had expired. Please try again."));
    }
    if server.guessed_too_often() {
        let message = "Too many wrong tokens. Please wait a minute.";
        return pages::sign_in(&server, StatusCode::TOO_MANY_REQUESTS, Some(message));
    }
    if !server.is_token(&fields.token) {
        server.note_guess();
        tracing::warn!("a wrong token was given to the console");
        tokio::time::sleep(DELAY).await;
        return pages::sign_in(&server, StatusCode::UNAUTHORIZED, Some("That is not the token."));
    }
    with_cookie(&server, &server.session(), "/")
}

pub async fn leave(State(server): State<Arc<Server>>, headers: HeaderMap, Form(fields): Form<Fields>) -> Response {
    if !server.is_own_form(&headers, &fields.csrf) {
        return pages::refusal(&server, StatusCode::FORBIDDEN, "The form did not come from this console.");
    }
    with_cookie(&server, "; Max-Age=0", "/login")
}

fn with_cookie(server: &Server, value: &str, to: &str) -> Response {
    let secure = if server.app.behind_https { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={value}; Path=/; HttpOnly; SameSite=Strict{secure}");
    let mut response = Redirect::to(to).into_response();
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}
