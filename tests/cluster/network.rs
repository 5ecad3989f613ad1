//! A network that is cut while a run is under way: workers live in a network namespace of their own, with one line to the driver
//! and another to the store.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{TOKEN, Workers, assert_same, begun_with, building, ended, of_store, published, retailers};
use crate::store::s3_server::Server;
use crate::support::published_bytes;

/// Longer than the store's clients try again, and than a silent connection is left open.
const WITHIN: Duration = Duration::from_mins(5);

/// A namespace with two lines to the test's own.
struct Network {
    name: String,
}

impl Network {
    /// None, said aloud, where nobody may lay lines.
    fn lay() -> Option<Self> {
        let network = Self { name: format!("c360-{}", std::process::id()) };
        let laid = ip(&format!("netns add {}", network.name)) && Line::BOTH.iter().all(|line| network.lay_line(*line));
        if !laid {
            crate::support::say("SKIPPED: a network that is cut needs root, iproute2 and network namespaces");
        }
        laid.then_some(network)
    }

    fn lay_line(&self, line: Line) -> bool {
        let (here, there) = (line.here(), line.there());
        let name = &self.name;
        ip(&format!("link add {} type veth peer name {} netns {name}", line.name(), line.name()))
            && ip(&format!("address add {here}/30 dev {}", line.name()))
            && ip(&format!("link set {} up", line.name()))
            && ip(&format!("-n {name} address add {there}/30 dev {}", line.name()))
            && ip(&format!("-n {name} link set {} up", line.name()))
            && ip(&format!("-n {name} link set lo up"))
    }

    fn set(&self, line: Line, state: &str) {
        assert!(ip(&format!("-n {} link set {} {state}", self.name, line.name())));
    }
}

impl Drop for Network {
    /// The lines go with it.
    fn drop(&mut self) {
        ip(&format!("netns del {}", self.name));
    }
}

#[derive(Debug, Clone, Copy)]
enum Line {
    ToDriver,
    ToStore,
}

impl Line {
    const BOTH: [Self; 2] = [Self::ToDriver, Self::ToStore];

    fn name(self) -> &'static str {
        match self {
            Self::ToDriver => "c360-driver",
            Self::ToStore => "c360-store",
        }
    }

    fn here(self) -> &'static str {
        match self {
            Self::ToDriver => "10.213.7.1",
            Self::ToStore => "10.213.8.1",
        }
    }

    fn there(self) -> &'static str {
        match self {
            Self::ToDriver => "10.213.7.2",
            Self::ToStore => "10.213.8.2",
        }
    }
}

fn ip(arguments: &str) -> bool {
    let mut command = Command::new("ip");
    command.args(arguments.split(' ')).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

#[test]
fn a_network_that_is_cut_ends_the_run_and_the_next_one_is_right() {
    let Some(network) = Network::lay() else { return };
    let space = retailers();
    space.write("config/here.yaml", "");
    let store = Server::at(Line::ToStore.here());
    let storage = "storage: \"s3://lake/staging\"";
    let settings = format!("engine: {{cluster: {{{storage}}}}}\n");
    let workers = Workers::start_at(&space, 2, &settings, of_store(&store), Line::ToDriver.there(), Some(network.name.clone()));
    let addresses = workers.addresses();
    space.write(
        "config/cluster.yaml",
        format!("engine:\n  threads: 2\n  cluster: {{workers: {addresses}, token: \"{TOKEN}\", piece: 2KiB, {storage}}}\n"),
    );
    let here = published(&space, "superstore", "here", None);
    let begun = || begun_with(&space, "superstore", Some(&store));
    for line in Line::BOTH {
        std::fs::remove_dir_all(space.path("state")).unwrap();
        let child = begun();
        building(&space);
        network.set(line, "down");
        let cut = Instant::now();
        let ran = ended(child, WITHIN);
        crate::support::say(&format!("{line:?} cut: exit {} after {:.0?}\n{}", ran.code, cut.elapsed(), ran.stderr));
        assert_eq!(ran.code, 1, "{line:?}: {}", ran.stderr);
        assert_same(&here, &published_bytes(&space.path("out/superstore")), "after the cut");
        network.set(line, "up");
        workers.reached();
        let next = ended(begun(), WITHIN);
        assert_eq!(next.code, 0, "{line:?}: {}", next.stderr);
        assert_same(&here, &published_bytes(&space.path("out/superstore")), "after the next run");
        assert_eq!(crate::support::contents(&store.path("staging")).len(), 0, "tables stay in the store");
    }
}
