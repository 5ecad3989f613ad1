//! The pages. Each module makes one from the ledger and the files, and answers with HTML.

mod changes;
mod home;
mod layout;
mod lineage;
mod parts;
mod pipeline;
mod plain;
mod run;
mod run_parts;
mod runs;
mod tables;

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::Markup;

use crate::access::Server;
use crate::pages::layout::{Nav, Page};

pub use home::home;
pub use lineage::lineage;
pub use pipeline::pipeline;
pub use plain::{health, not_found, ready, refusal, sign_in};
pub use run::run;
pub use runs::runs;
pub use tables::{table, tables};

/// Why a page cannot be made.
enum Trouble {
    /// There is no such thing, in words.
    Missing(String),
    Ledger(scheduler::Error),
}

impl From<scheduler::Error> for Trouble {
    fn from(error: scheduler::Error) -> Self {
        match error {
            scheduler::Error::AmbiguousRun { .. } => Self::Missing(error.to_string()),
            error => Self::Ledger(error),
        }
    }
}

/// Makes a page off the async threads, as it reads files and the ledger.
async fn make<F>(server: Arc<Server>, nav: Nav, body: F) -> Response
where
    F: FnOnce(&Server) -> Result<Page, Trouble> + Send + 'static,
{
    let shared = Arc::clone(&server);
    let made = tokio::task::spawn_blocking(move || body(&shared).map(|page| layout::document(&shared, nav, &page))).await;
    match made {
        Ok(Ok(document)) => html(StatusCode::OK, document),
        Ok(Err(Trouble::Missing(what))) => refusal(&server, StatusCode::NOT_FOUND, &what),
        Ok(Err(Trouble::Ledger(error))) => {
            tracing::error!(error = &error as &dyn std::error::Error, "a page cannot be made");
            refusal(&server, StatusCode::INTERNAL_SERVER_ERROR, &error.to_string())
        }
        Err(error) => {
            tracing::error!(%error, "a page broke off");
            refusal(&server, StatusCode::INTERNAL_SERVER_ERROR, "The page broke off; the server's log says why.")
        }
    }
}

fn html(status: StatusCode, document: Markup) -> Response {
    (status, document).into_response()
}
