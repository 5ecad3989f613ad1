//! What people are handed of a shop that keeps its secrets in files: pages, lists, projects, plans and comparisons, while all
//! goes well and while it does not.

use std::fs;

use super::{DATABASE, SEAL, SHORT, Server, Shop, USER, WRONG, crm, database, free_port};
use crate::support::Ran;

const FILE: &str = "pipelines/shop.yaml";

/// Who reads the sales here; the password stands in a file, as a container is given one.
const CLERK: &str = "clerk";

/// Every command that prints or writes something of what is published or would be, and how it ends.
const HANDED: [(&str, i32); 22] = [
    ("describe", 0),
    ("describe dim_customer --output json", 0),
    ("show meta_run --output json", 0),
    ("show dim_customer --all --pipeline pipelines/shop.yaml", 0),
    ("plan pipelines/shop.yaml", 8),
    ("plan pipelines/shop.yaml --output json -vv", 8),
    ("diff pipelines/shop.yaml", 8),
    ("diff pipelines/shop.yaml --table fact_sales --output json", 8),
    ("diff pipelines/shop.yaml --table meta_run --personal", 8),
    ("report pipelines/shop.yaml --to page.html", 0),
    ("report pipelines/shop.yaml --to open.html --personal --output json", 0),
    ("export dim_customer --to customers.csv --personal", 0),
    ("export winback_targets --to winback.xlsx --output json", 0),
    ("export meta_run --to run.xlsx --pipeline pipelines/shop.yaml", 0),
    ("powerbi pipelines/shop.yaml --to project --output json", 0),
    ("powerbi pipelines/shop.yaml --to served --source http --location https://files.example/shop", 0),
    ("retry latest", 2),
    ("publish latest", 2),
    ("backfill pipelines/shop.yaml --from 2024-11-01 --to 2024-11-01 --every 7 -vv", 0),
    ("runs show latest --output json", 0),
    ("status", 0),
    ("status --output json", 0),
];

impl Shop {
    fn asked(&mut self, command: &str) -> Ran {
        self.run(&command.split(' ').collect::<Vec<_>>())
    }

    fn ends(&mut self, command: &str, code: i32) {
        let ran = self.asked(command);
        assert_eq!(ran.code, code, "{command}: {}{}", ran.stdout, ran.stderr);
    }

    /// The pipeline with this address of its sales, and with all that is made beside the tables.
    fn sells_from(&self, address: &str) {
        let all = "publish: {to: out, report: true, powerbi: true}";
        let pipeline = self.pipeline().replace("${env:ORDERS_URL}", address).replace("publish: {to: out}", all);
        assert!(pipeline.contains(address) && pipeline.contains(all));
        self.space.write(FILE, pipeline);
    }

    /// What reads the pipeline file, and what of it reads the source, while neither may go well.
    fn ask_in_vain(&mut self, code: i32) {
        self.ends("run pipelines/shop.yaml -vv --log json --output json", code);
        self.ends("plan pipelines/shop.yaml", code);
        for command in [
            "retry latest -vv",
            "doctor pipelines/shop.yaml",
            "doctor pipelines/shop.yaml --output json",
            "validate pipelines/shop.yaml --connect --output json",
            "report pipelines/shop.yaml --to again.html",
            "diff pipelines/shop.yaml --output json",
            "show dim_customer --pipeline pipelines/shop.yaml",
            "export dim_customer --to again.csv --pipeline pipelines/shop.yaml",
            "powerbi pipelines/shop.yaml --to project --output json",
            "backfill pipelines/shop.yaml --from 2024-10-01 --to 2024-10-01 --every 7",
            "runs show latest",
            "status --output json",
            "init ${env:ORDERS_URL} --print --yes",
        ] {
            self.asked(command);
        }
    }
}

/// The address of the sales for somebody whose password is in a file.
fn address(shop: &Shop, database: &Server) -> String {
    let password = shop.vault.path("password");
    format!("postgres://{CLERK}:${{file:{}}}@127.0.0.1:{}/{DATABASE}", password.display(), database.port)
}

#[test]
fn what_people_are_handed_keeps_every_secret() {
    let (database, crm) = (database(), crm());
    database.execute(DATABASE, &format!("CREATE ROLE {CLERK} LOGIN PASSWORD '{SEAL}' IN ROLE pg_read_all_data"));
    let mut shop = Shop::new(&database, &crm);
    shop.vault.write("password", format!("{SEAL}\n"));
    shop.sells_from(&address(&shop, &database));
    shop.ends("run pipelines/shop.yaml -vv --log json", 0);
    database.execute(DATABASE, "INSERT INTO lines VALUES ('o41', 1, 'c1', 'p1', DATE '2024-02-11', 1, 10)");
    shop.ends("run pipelines/shop.yaml -vv --log json --output json", 0);
    for made in ["out/report.html", "out/powerbi"] {
        assert!(shop.space.path(made).exists(), "{made} is not there to be looked into");
    }
    for (command, code) in HANDED {
        shop.ends(command, code);
    }
    for written in ["page.html", "open.html", "customers.csv", "winback.xlsx", "run.xlsx", "project", "served"] {
        assert!(shop.space.path(written).exists(), "{written} is not there to be looked into");
    }

    // Another password than the server's, and then the right one after all.
    shop.vault.write("password", WRONG);
    shop.ask_in_vain(1);
    shop.ends("retry latest", 1);
    shop.vault.write("password", SEAL);
    shop.ends("retry latest -vv --log json", 0);
    shop.assert_silent();
    shop.posts();
}

#[test]
fn files_that_hold_no_secret_as_it_should_be_are_told_without_it() {
    let (database, crm) = (database(), crm());
    let mut shop = Shop::new(&database, &crm);
    shop.ends("run pipelines/shop.yaml --quiet", 0);
    shop.sells_from(&address(&shop, &database));
    // It is not there, is larger than any secret, is no text, and is a folder.
    shop.ask_in_vain(78);
    shop.vault.write("password", format!("{WRONG}\n").repeat(8000));
    shop.ask_in_vain(78);
    shop.vault.write("password", [WRONG.as_bytes(), b"\xFF\xFE", WRONG.as_bytes()].concat());
    shop.ask_in_vain(78);
    fs::remove_file(shop.vault.path("password")).unwrap();
    fs::create_dir(shop.vault.path("password")).unwrap();
    shop.ask_in_vain(78);

    // A whole address, of nothing that is known, and with more than one line.
    shop.sells_from(&format!("${{file:{}}}", shop.vault.path("address").display()));
    shop.vault.write("address", format!("postgrs://{CLERK}:{WRONG}@localhost/{DATABASE}"));
    shop.ask_in_vain(78);
    shop.vault.write("address", format!("postgres://{CLERK}:{WRONG}\n{WRONG}@localhost:{WRONG}/{DATABASE}"));
    shop.ask_in_vain(1);
    shop.assert_silent();
    shop.posts();
}

#[test]
fn workers_and_a_shared_ledger_that_cannot_be_had_keep_every_secret() {
    let (database, crm) = (database(), crm());
    let mut shop = Shop::new(&database, &crm);
    shop.ends("run pipelines/shop.yaml --quiet", 0);
    // Nobody listens there, and a program that was built without workers does not even ask.
    let workers = format!("engine: {{cluster: {{workers: ['http://127.0.0.1:{}']}}}}\n", free_port());
    shop.space.write("config/workers.yaml", workers);
    shop.space.write("config/astray.yaml", "engine: {cluster: {workers: ['worker-1:50051']}}\n");
    shop.space.write("config/shared.yaml", "ledger: {postgres: '${env:LEDGER}'}\n");
    shop.ends("--env workers run pipelines/shop.yaml -vv --log json", 1);
    shop.ends("--env workers retry latest -vv", 1);
    shop.ends("--env workers status --output json", 0);
    shop.ends("--env workers runs show latest --output json", 0);
    shop.asked("--env workers doctor pipelines/shop.yaml --output json");
    shop.ends(&format!("cluster worker --listen 0.0.0.0:{}", free_port()), 2);
    for command in ["status", "doctor pipelines/shop.yaml", "run pipelines/shop.yaml"] {
        shop.ends(&format!("--env astray {command}"), 78);
        let short = shop.run_with("CLUSTER", SHORT, &command.split(' ').collect::<Vec<_>>());
        assert_eq!(short.code, 78, "{}", short.stderr);
    }

    for (wrong, code) in [
        (database.url_with(WRONG, DATABASE), 1),
        (database.url_with(&format!("a@{WRONG}"), DATABASE), 1),
        (format!("postgres://{USER}:{WRONG}@127.0.0.1:port/{DATABASE}"), 1),
        (format!("host=localhost password={WRONG} keepalives={WRONG}"), 1),
        (format!("postgrs://{USER}:{WRONG}@localhost/{DATABASE}"), 78),
    ] {
        for command in ["status --output json", "run pipelines/shop.yaml -vv", "runs list", "plan pipelines/shop.yaml"] {
            let arguments: Vec<&str> = ["--env", "shared"].into_iter().chain(command.split(' ')).collect();
            let ran = shop.run_with("LEDGER", &wrong, &arguments);
            assert_eq!(ran.code, code, "{command}: {}{}", ran.stdout, ran.stderr);
        }
        shop.run_with("LEDGER", &wrong, &["--env", "shared", "doctor", FILE, "--output", "json"]);
    }
    shop.assert_silent();
    shop.posts();
}
