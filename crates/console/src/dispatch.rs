//! Buttons: one address takes them all.

use std::sync::Arc;

use axum::Form;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use crate::access::Server;
use crate::actions::{ActionRefused, ActionStarted, Actions};
use crate::figures::part;
use crate::pages;

#[derive(Deserialize)]
pub struct Fields {
    #[serde(default)]
    csrf: String,
    action: Action,
    /// The pipeline or the run.
    target: String,
    #[serde(default)]
    snapshot: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    Run,
    Retry,
    Release,
    Discard,
    Rollback,
    Pause,
    Resume,
}

impl Action {
    fn of_a_run(self) -> bool {
        matches!(self, Self::Retry | Self::Release | Self::Discard)
    }

    /// The word that the next page's notice is chosen by.
    fn word(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Retry => "retry",
            Self::Release => "release",
            Self::Discard => "discard",
            Self::Rollback => "rollback",
            Self::Pause => "pause",
            Self::Resume => "resume",
        }
    }
}

pub async fn act(
    State(server): State<Arc<Server>>,
    headers: HeaderMap,
    form: Result<Form<Fields>, axum::extract::rejection::FormRejection>,
) -> Response {
    let Ok(Form(fields)) = form else {
        return pages::refusal(&server, StatusCode::BAD_REQUEST, "The form is not one of this console.");
    };
    if !server.is_own_form(&headers, &fields.csrf) {
        return pages::refusal(&server, StatusCode::FORBIDDEN, "The form did not come from this console, or it had expired.");
    }
    let actions = Arc::clone(&server.app.actions);
    let (action, target) = (fields.action, fields.target.clone());
    tracing::info!(action = action.word(), %target, "asked for in the console");
    let done = tokio::task::spawn_blocking(move || perform(actions.as_ref(), &fields)).await;
    match done {
        Ok(Ok(started)) => Redirect::to(&next_page(action, &target, started)).into_response(),
        Ok(Err(refused)) => pages::refusal(&server, StatusCode::CONFLICT, &refused.message),
        Err(_) => pages::refusal(&server, StatusCode::INTERNAL_SERVER_ERROR, "The action broke off; the server's log says why."),
    }
}

fn perform(actions: &dyn Actions, fields: &Fields) -> Result<ActionStarted, ActionRefused> {
    let target = fields.target.as_str();
    match fields.action {
        Action::Run => actions.run(target),
        Action::Retry => actions.retry(target),
        Action::Release => actions.release(target),
        Action::Discard => actions.discard(target),
        Action::Rollback => actions.rollback(target, &fields.snapshot),
        Action::Pause => actions.pause(target),
        Action::Resume => actions.resume(target),
    }
}

fn next_page(action: Action, target: &str, started: ActionStarted) -> String {
    let word = action.word();
    match started.run_id {
        Some(run_id) => format!("/runs/{}?done={word}", part(&run_id)),
        None if action.of_a_run() => format!("/runs/{}?done={word}", part(target)),
        None => format!("/pipelines/{}?done={word}", part(target)),
    }
}
