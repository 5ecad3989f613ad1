//! The ops console: what ran, what it published, what it set aside and why, as pages made on the server.
//!
//! [`router`] needs no build step and no JavaScript; a script only refreshes the page of a run under way. Every page is
//! made from files and the ledger when it is asked for, so that it can show no state that is not on disk.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod access;
mod actions;
mod assets;
mod connections;
mod dispatch;
mod figures;
pub mod metrics;
mod pages;
mod personal;
mod published;
mod run_files;
mod sign_in;
mod table_rows;
mod view;

use std::future::Future;
use std::io;
use std::sync::{Arc, PoisonError, RwLock};

use axum::Router;
use axum::middleware;
use axum::routing::{get, post};
use chrono::{DateTime, Utc};
use scheduler::Ledger;
use tokio::net::TcpListener;

pub use access::Access;
pub use actions::{ActionRefused, ActionStarted, Actions};
pub use view::{Edge, NextSlot, PiiPolicy, PipelineView, SlotRow};

use crate::access::Server;
use crate::connections::Connections;

/// What the console shows and whom it asks to act.
pub struct App {
    pub ledger: Arc<Ledger>,
    /// Replaced as a whole when the pipeline files are read again; a page keeps the list it began with.
    pub pipelines: RwLock<Arc<Vec<PipelineView>>>,
    pub actions: Arc<dyn Actions>,
    pub access: Access,
    /// A proxy in front speaks HTTPS, so the session cookie is marked `Secure`.
    pub behind_https: bool,
    pub now: fn() -> DateTime<Utc>,
    pub version: String,
}

impl App {
    /// The pipelines as they are known now.
    pub fn pipelines(&self) -> Arc<Vec<PipelineView>> {
        Arc::clone(&self.pipelines.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another list in place of the pipelines.
    pub fn replace_pipelines(&self, pipelines: Vec<PipelineView>) {
        *self.pipelines.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(pipelines);
    }
}

/// Every route of the console, behind its access rules.
pub fn router(app: Arc<App>) -> Router {
    let server = Arc::new(Server::new(app));
    let guarded = Router::new()
        .route("/", get(pages::home))
        .route("/pipelines/{name}", get(pages::pipeline))
        .route("/runs", get(pages::runs))
        .route("/runs/{id}", get(pages::run))
        .route("/tables", get(pages::tables))
        .route("/tables/{name}", get(pages::table))
        .route("/lineage", get(pages::lineage))
        .route("/metrics", get(metrics::answer))
        .route("/actions", post(dispatch::act))
        .route("/logout", post(sign_in::leave))
        .fallback(pages::not_found)
        .layer(middleware::from_fn_with_state(Arc::clone(&server), access::admit));
    let open = Router::new().route("/login", get(sign_in::form).post(sign_in::enter)).route("/assets/{name}", get(assets::asset));
    let probes = Router::new().route("/healthz", get(pages::health)).route("/readyz", get(pages::ready));
    Router::new()
        .merge(guarded)
        .merge(open)
        .layer(middleware::from_fn_with_state(Arc::clone(&server), access::check_host))
        .merge(probes)
        .layer(middleware::from_fn(access::add_headers))
        .with_state(server)
}

/// Serves the console until `shutdown` completes; requests under way are answered first.
pub async fn serve(listener: TcpListener, app: Arc<App>, shutdown: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
    axum::serve(Connections::of(listener), router(app)).with_graceful_shutdown(shutdown).await
}
