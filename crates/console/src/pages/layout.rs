//! The frame of every page.

use maud::{DOCTYPE, Markup, html};

use crate::access::Server;

/// Which part of the console a page belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nav {
    Pipelines,
    Runs,
    Tables,
    Lineage,
    None,
}

/// A page's own part.
pub struct Page {
    pub title: String,
    pub body: Markup,
    /// Something on it is under way, so it is fetched again and again.
    pub is_moving: bool,
}

impl Page {
    pub fn new(title: impl Into<String>, body: Markup) -> Self {
        Self { title: title.into(), body, is_moving: false }
    }
}

pub fn document(server: &Server, nav: Nav, page: &Page) -> Markup {
    let links = [
        (Nav::Pipelines, "/", "Pipelines"),
        (Nav::Runs, "/runs", "Runs"),
        (Nav::Tables, "/tables", "Tables"),
        (Nav::Lineage, "/lineage", "Lineage"),
    ];
    html! {
        (DOCTYPE)
        html lang="en" {
            (head(server, &page.title, page.is_moving))
            body {
                a.skip href="#content" { "Skip to content" }
                header.top {
                    div.wrap.bar {
                        a.brand href="/" { (logo()) span { "consumer" b { "360" } } }
                        nav aria-label="Main" {
                            @for (which, to, label) in links {
                                a href=(to) aria-current=[(which == nav).then_some("page")] { (label) }
                            }
                        }
                        @if server.needs_token() {
                            form.leave method="post" action="/logout" {
                                input type="hidden" name="csrf" value=(server.csrf());
                                button.quiet type="submit" { "Sign out" }
                            }
                        }
                    }
                }
                main #content .wrap tabindex="-1" data-refresh=[page.is_moving.then_some("yes")] { (page.body) }
                (footer(server))
            }
        }
    }
}

/// A page without navigation, for whoever is not signed in.
pub fn bare(server: &Server, title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            (head(server, title, false))
            body.bare { main #content .wrap { (body) } (footer(server)) }
        }
    }
}

fn head(server: &Server, title: &str, is_moving: bool) -> Markup {
    let version = &server.app.version;
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { (title) " · consumer360" }
            link rel="stylesheet" href={ "/assets/style.css?v=" (version) };
            link rel="icon" href="data:,";
            @if is_moving { script src={ "/assets/refresh.js?v=" (version) } defer {} }
        }
    }
}

fn footer(server: &Server) -> Markup {
    html! { footer.wrap { "consumer360 " (server.app.version) span { (crate::figures::time((server.app.now)())) } } }
}

pub fn logo() -> Markup {
    html! {
        svg.logo viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" {
            circle cx="12" cy="12" r="9.5" fill="none" stroke="currentColor" stroke-width="2.2" opacity=".3" {}
            path d="M12 2.5a9.5 9.5 0 0 1 8.2 14.3" fill="none" stroke="currentColor" stroke-width="2.6" stroke-linecap="round" {}
            circle cx="12" cy="12" r="3.2" fill="currentColor" {}
        }
    }
}
