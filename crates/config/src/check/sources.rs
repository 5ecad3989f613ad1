//! Sources: that each names a connection, one input that fits it, and columns the entity has.

use std::collections::BTreeMap;

use chrono::format::{Item, StrftimeItems};
use schema::{ENTITIES, Entity, entity};

use super::{Check, Connections, contract, incremental, sizes};
use crate::connection::Connection;
use crate::incremental::{Incremental, Lookback};
use crate::pipeline::{Compression, Csv, Deduplicate, Encoding, Format, Input, Keep, MapFrom, Mapping, RejectLimits, Source};
use crate::problem::{nearest, suggestion};
use crate::raw;

pub(super) fn sources(check: &mut Check<'_>, raw: raw::Extract, connections: &Connections) -> BTreeMap<Entity, Source> {
    let raw::Extract { sales, customers, products, payments, tickets, users } = raw;
    let written = [Some(sales), customers, products, payments, tickets, users];
    let mut sources = BTreeMap::new();
    for (name, source) in ENTITIES.into_iter().zip(written) {
        let Some(raw) = source else { continue };
        let mut one = One { check, entity: name };
        if let Some(source) = one.source(&raw, connections) {
            sources.insert(name, source);
        }
    }
    sources
}

/// The check of one entity's source.
struct One<'c, 'a> {
    check: &'c mut Check<'a>,
    entity: Entity,
}

impl One<'_, '_> {
    fn say(&mut self, path: &[&str], message: impl Into<String>, help: impl Into<String>) {
        let mut full = vec!["extract", self.entity.name()];
        full.extend(path);
        self.check.say(&full, message, help);
    }

    /// The same, at the key of the path.
    fn say_key(&mut self, path: &[&str], message: impl Into<String>, help: impl Into<String>) {
        let mut full = vec!["extract", self.entity.name()];
        full.extend(path);
        self.check.say_key(&full, message, help);
    }

    fn keep<T>(&mut self, path: &[&str], result: Result<T, (String, String)>) -> Option<T> {
        result.map_err(|(message, help)| self.say(path, message, help)).ok()
    }

    fn source(&mut self, raw: &raw::Source, connections: &Connections) -> Option<Source> {
        let input = self.input(raw, connections);
        let columns = self.columns(raw);
        self.required(raw);
        let deduplicate = match &raw.deduplicate {
            Some(raw) => self.deduplicate(raw, &columns),
            None => None,
        };
        let rejects = self.rejects(raw.rejects.as_ref());
        if raw.r#where.as_ref().is_some_and(|w| w.trim().is_empty()) {
            self.say(&["where"], "`where` is empty", "leave the key out to read every row");
        }
        let incremental = self.incremental(raw, input.as_ref(), connections);
        Some(Source {
            connection: raw.from.clone(),
            input: input?,
            columns,
            filter: raw.r#where.clone(),
            deduplicate,
            rejects: rejects?,
            contract: contract::contract(&raw.contract),
            incremental,
        })
    }

    fn incremental(&mut self, raw: &raw::Source, input: Option<&Input>, connections: &Connections) -> Option<Incremental> {
        let connection = connections.sound.get(&raw.from);
        let raw = raw.incremental.as_ref()?;
        if matches!(input, Some(Input::Files { .. })) {
            let message = "`incremental` is for databases, and this source is files";
            self.say_key(&["incremental"], message, "leave it out: files are read whole");
        }
        if matches!(connection, Some(Connection::Odbc { .. })) {
            let message = "`incremental` is not for connections of type odbc, behind each of which another SQL is spoken";
            self.say_key(&["incremental"], message, "leave it out: such a source is read whole");
        }
        let wrong = match incremental::incremental(raw) {
            Ok(incremental) => {
                if matches!(incremental.lookback, Some(Lookback::Numbers(_))) && !incremental.settle.is_zero() {
                    let message = "`settle` is for times, and `lookback` says that the cursor holds numbers";
                    let help = "leave it out, and look back over as many numbers as open transactions may have taken";
                    self.say(&["incremental", "settle"], message, help);
                }
                return Some(incremental);
            }
            Err(wrong) => wrong,
        };
        for (key, message, help) in wrong {
            self.say(&["incremental", key], message, help);
        }
        None
    }

    fn input(&mut self, raw: &raw::Source, connections: &Connections) -> Option<Input> {
        let Some(connection) = connections.sound.get(&raw.from) else {
            // One that is there and wrong has its own problem.
            if connections.complete && !connections.names.contains(&raw.from) {
                let names: Vec<&str> = connections.names.iter().map(String::as_str).collect();
                let help = if names.is_empty() {
                    "declare it under `connections`, here or in config/<env>.yaml".to_owned()
                } else {
                    suggestion(&raw.from, names, "connections")
                };
                self.say(&["from"], format!("there is no connection `{}`", raw.from), help);
            }
            return None;
        };
        let files = matches!(connection, Connection::Files { .. });
        let given: Vec<&str> = [("path", &raw.path), ("table", &raw.table), ("query", &raw.query)]
            .iter()
            .filter(|(_, v)| v.is_some())
            .map(|(k, _)| *k)
            .collect();
        let wanted = if files { "`path`" } else { "`table` or `query`" };
        let kind = if files { "a folder of files" } else { "a database" };
        match given.as_slice() {
            [] => {
                self.say_key(
                    &[],
                    format!("`{}` does not say what to read", self.entity),
                    format!("`{}` is {kind}: give {wanted}", raw.from),
                );
                None
            }
            [one] if files != (*one == "path") => {
                self.say_key(
                    &[one],
                    format!("`{one}` does not go with connection `{}`", raw.from),
                    format!("it is {kind}: give {wanted}"),
                );
                None
            }
            [_] => self.one_input(raw),
            [_, second, ..] => {
                let given = given.iter().map(|g| format!("`{g}`")).collect::<Vec<_>>().join(" and ");
                self.say_key(&[second], format!("{given} are given together"), "a source reads one thing: keep one of them");
                None
            }
        }
    }

    fn one_input(&mut self, raw: &raw::Source) -> Option<Input> {
        if raw.path.is_none() {
            for (key, there) in [
                ("format", raw.format.is_some()),
                ("compression", raw.compression.is_some()),
                ("csv", raw.csv.is_some()),
                ("sheet", raw.sheet.is_some()),
                ("skip_rows", raw.skip_rows.is_some()),
            ] {
                if there {
                    self.say_key(&[key], format!("`{key}` is for files, and this source is a database"), "leave it out");
                }
            }
        }
        for (key, value) in [("path", &raw.path), ("table", &raw.table), ("query", &raw.query)] {
            if value.as_ref().is_some_and(|v| v.trim().is_empty()) {
                self.say(&[key], format!("`{key}` is empty"), "say what to read");
                return None;
            }
        }
        match (&raw.path, &raw.table, &raw.query) {
            (Some(path), ..) => self.files(path, raw),
            (_, Some(table), _) => Some(Input::Table(table.clone())),
            (_, _, Some(query)) => Some(Input::Query(query.clone())),
            _ => None,
        }
    }

    fn files(&mut self, path: &str, raw: &raw::Source) -> Option<Input> {
        let lower = path.to_lowercase();
        let (stem, by_ending) = match (lower.strip_suffix(".gz"), lower.strip_suffix(".zst")) {
            (Some(stem), _) => (stem, Compression::Gzip),
            (_, Some(stem)) => (stem, Compression::Zstd),
            _ => (lower.as_str(), Compression::None),
        };
        let compression = match raw.compression {
            Some(raw::Compression::None) => Compression::None,
            Some(raw::Compression::Gzip) => Compression::Gzip,
            Some(raw::Compression::Zstd) => Compression::Zstd,
            None => by_ending,
        };
        let ending = stem.rsplit_once('.').map(|(_, ending)| ending);
        let by_name = match ending {
            Some("csv" | "tsv" | "txt") => Some(raw::Format::Csv),
            Some("ndjson" | "jsonl") => Some(raw::Format::Ndjson),
            Some("parquet") => Some(raw::Format::Parquet),
            Some("xlsx" | "xlsm") => Some(raw::Format::Xlsx),
            _ => None,
        };
        let Some(format) = raw.format.or(by_name) else {
            let help = match ending {
                Some("xls" | "xlsb" | "ods") => "of spreadsheets only .xlsx is read: save it as that, or export the sheet as CSV",
                Some("json") => "if each line is one JSON object, add `format: ndjson`; one large JSON value is not read",
                _ => "add `format: csv`, `format: ndjson`, `format: parquet` or `format: xlsx`",
            };
            self.say(&["path"], format!("the ending of `{path}` does not tell its format"), help);
            return None;
        };
        if raw.csv.is_some() && format != raw::Format::Csv {
            self.say_key(&["csv"], "`csv` is for CSV files, and this source has another format", "leave it out");
        }
        if raw.sheet.is_some() && format != raw::Format::Xlsx {
            self.say_key(&["sheet"], "`sheet` is for workbooks, and this source has another format", "leave it out");
        }
        if raw.skip_rows.is_some() && !matches!(format, raw::Format::Csv | raw::Format::Xlsx) {
            self.say_key(
                &["skip_rows"],
                "`skip_rows` is for CSV files and workbooks, and this source has another format",
                "leave it out",
            );
        }
        if matches!(format, raw::Format::Parquet | raw::Format::Xlsx) && compression != Compression::None {
            let kind = if format == raw::Format::Parquet { "Parquet files" } else { "workbooks" };
            self.say(
                &["path"],
                format!("{kind} are compressed inside, not as a whole"),
                "unpack the file, or set `compression: none`",
            );
        }
        let skip = raw.skip_rows.unwrap_or(0);
        let format = match format {
            raw::Format::Csv => {
                let written = self.csv(raw.csv.as_ref().unwrap_or(&raw::Csv::default()), ending == Some("tsv"))?;
                Format::Csv(Csv { skip, ..written })
            }
            raw::Format::Ndjson => Format::Ndjson,
            raw::Format::Parquet => Format::Parquet,
            raw::Format::Xlsx => Format::Xlsx { sheet: raw.sheet.clone().filter(|sheet| !sheet.is_empty()), skip },
        };
        Some(Input::Files { path: path.to_owned(), format, compression })
    }

    fn csv(&mut self, raw: &raw::Csv, tabs: bool) -> Option<Csv> {
        let default = if tabs { "\t" } else { "," };
        let delimiter = self.character("delimiter", raw.delimiter.as_deref().unwrap_or(default));
        let quote = self.character("quote", raw.quote.as_deref().unwrap_or("\""));
        let encoding = match raw.encoding {
            None | Some(raw::Encoding::Utf8) => Encoding::Utf8,
            Some(raw::Encoding::Cp1252) => Encoding::Cp1252,
            Some(raw::Encoding::Utf16) => Encoding::Utf16,
        };
        if delimiter.is_some() && delimiter == quote {
            self.say_key(
                &["csv", "quote"],
                "`quote` and `delimiter` are the same character",
                "a value could never be told from the next",
            );
        }
        let null_values = raw.null_values.iter().filter(|v| !v.is_empty()).cloned().collect();
        Some(Csv { skip: 0, delimiter: delimiter?, quote: quote?, encoding, header: raw.header.unwrap_or(true), null_values })
    }

    fn character(&mut self, key: &str, text: &str) -> Option<u8> {
        let text = if matches!(text, "tab" | "\\t") { "\t" } else { text };
        match text.as_bytes() {
            [one] if one.is_ascii() && *one != b'\n' && *one != b'\r' => Some(*one),
            _ => {
                let message = if text.is_empty() {
                    format!("`{key}` is empty")
                } else {
                    format!("`{key}` cannot be `{}`", text.escape_default())
                };
                let help = if key == "quote" {
                    "it is one ASCII character, such as '\"'"
                } else {
                    "it is one ASCII character, such as \",\" or \";\", or the word tab"
                };
                self.say(&["csv", key], message, help);
                None
            }
        }
    }

    fn columns(&mut self, raw: &raw::Source) -> BTreeMap<String, Mapping> {
        let table = entity(self.entity);
        let mut columns = BTreeMap::new();
        for (name, mapping) in &raw.columns {
            if !table.columns.iter().any(|c| c.name == name) {
                let names: Vec<&str> = table.columns.iter().map(|c| c.name).collect();
                let help = suggestion(name, names, "its columns");
                self.say_key(&["columns", name], format!("{} has no column `{name}`", self.entity), help);
                continue;
            }
            if let Some(mapping) = self.mapping(name, mapping) {
                columns.insert(name.clone(), mapping);
            }
        }
        columns
    }

    fn mapping(&mut self, name: &str, raw: &raw::Mapping) -> Option<Mapping> {
        let (from, format) = match raw {
            raw::Mapping::Short(text) => (MapFrom::ColumnOrSql(text.clone()), None),
            raw::Mapping::Long(long) => match (&long.column, &long.sql) {
                (Some(column), None) => (MapFrom::ColumnOrSql(column.clone()), long.format.clone()),
                (None, Some(sql)) => (MapFrom::Sql(sql.clone()), long.format.clone()),
                _ => {
                    self.say(
                        &["columns", name],
                        format!("`{name}` needs one of `column` and `sql`"),
                        "such as {column: Order Date, format: \"%m/%d/%Y\"}",
                    );
                    return None;
                }
            },
        };
        let (MapFrom::ColumnOrSql(text) | MapFrom::Sql(text)) = &from;
        if text.trim().is_empty() {
            self.say(&["columns", name], format!("`{name}` is mapped to nothing"), "name a source column, or leave the key out");
            return None;
        }
        if let Some(format) = &format
            && StrftimeItems::new(format).any(|item| item == Item::Error)
        {
            self.say(
                &["columns", name, "format"],
                format!("`{format}` is not a date pattern"),
                "such as %Y-%m-%d, %d.%m.%Y or %m/%d/%Y %H:%M",
            );
        }
        Some(Mapping { from, format })
    }

    /// Whether an unknown column was meant to be this one, so that it is not missing as well.
    fn meant(&self, raw: &raw::Source, column: &str) -> bool {
        let columns = entity(self.entity).columns;
        let unknown = raw.columns.keys().filter(|name| !columns.iter().any(|c| c.name == *name));
        unknown.into_iter().any(|name| nearest(name, columns.iter().map(|c| c.name)) == Some(column))
    }

    fn required(&mut self, raw: &raw::Source) {
        if raw.columns.is_empty() {
            return;
        }
        for column in entity(self.entity).columns.iter().filter(|c| c.required) {
            if !raw.columns.contains_key(column.name) && !self.meant(raw, column.name) {
                let message = format!("{} needs `{}`, which is not mapped", self.entity, column.name);
                self.say_key(
                    &["columns"],
                    message,
                    format!("add `{}: <source column or SQL>` ({})", column.name, column.description.trim_end_matches('.')),
                );
            }
        }
        let priced = ["unit_price", "net_amount"].iter().any(|c| raw.columns.contains_key(*c) || self.meant(raw, c));
        if self.entity == Entity::Sales && !priced {
            self.say_key(
                &["columns"],
                "sales needs `unit_price` or `net_amount`, and neither is mapped",
                "map one of the two; the other follows from it",
            );
        }
    }

    /// A column that `deduplicate` names must be mapped; without a mapping it must at least be one of the entity's.
    fn named(&mut self, path: &[&str], name: &str, columns: &BTreeMap<String, Mapping>) {
        let own = entity(self.entity).columns.iter().map(|c| c.name);
        if !own.clone().any(|c| c == name) {
            self.say(path, format!("{} has no column `{name}`", self.entity), suggestion(name, own, "its columns"));
        } else if !columns.is_empty() && !columns.contains_key(name) {
            self.say(
                path,
                format!("`deduplicate` names `{name}`, which is not mapped"),
                format!("add `{name}` to `columns`, or name another column"),
            );
        }
    }

    fn deduplicate(&mut self, raw: &raw::Deduplicate, columns: &BTreeMap<String, Mapping>) -> Option<Deduplicate> {
        match (raw.exact, raw.keys.as_slice(), &raw.keep) {
            (Some(true), [], None) => Some(Deduplicate::Exact),
            (None | Some(false), keys @ [_, ..], Some(keep)) => {
                let (keep, by) = self.kept(keep)?;
                for (place, name) in keys.iter().enumerate() {
                    self.named(&["deduplicate", "keys", &place.to_string()], name, columns);
                }
                self.named(&["deduplicate", "keep"], &by, columns);
                Some(Deduplicate::Keys { keys: keys.to_vec(), keep, by })
            }
            (exact, keys, keep) => {
                let message = match (exact, keys.is_empty(), keep) {
                    (Some(true), ..) => "`exact` goes with neither `keys` nor `keep`",
                    (_, false, None) => "`deduplicate` lacks `keep`: which of the rows with equal keys stays",
                    (_, true, Some(_)) => "`deduplicate` lacks `keys`: what makes rows the same",
                    _ => "`deduplicate` does not say which rows are the same",
                };
                self.say_key(
                    &["deduplicate"],
                    message,
                    "write {exact: true}, or {keys: [order_id, product_id], keep: last_by(ordered_at)}",
                );
                None
            }
        }
    }

    fn kept(&mut self, text: &str) -> Option<(Keep, String)> {
        let inside = |prefix: &str| text.trim().strip_prefix(prefix)?.strip_suffix(')').map(|c| c.trim().to_owned());
        let result = match (inside("last_by("), inside("first_by(")) {
            (Some(by), _) => Ok((Keep::Last, by)),
            (_, Some(by)) => Ok((Keep::First, by)),
            _ => Err((format!("`keep` cannot be `{text}`"), "write last_by(column) or first_by(column)".to_owned())),
        };
        self.keep(&["deduplicate", "keep"], result)
    }

    fn rejects(&mut self, raw: Option<&raw::Rejects>) -> Option<RejectLimits> {
        let share = |this: &mut Self, key: &str, written: Option<&raw::Share>, default: f64| match written {
            Some(written) => this.keep(&["rejects", key], sizes::share(key, written)),
            None => Some(default),
        };
        let fail = share(self, "fail", raw.and_then(|r| r.fail.as_ref()), 0.01);
        let warn = share(self, "warn", raw.and_then(|r| r.warn.as_ref()), fail.unwrap_or(0.001).min(0.001));
        let (warn, fail) = (warn?, fail?);
        if warn > fail {
            self.say(
                &["rejects", "warn"],
                "`warn` is above `fail`, so no run could ever warn",
                "a run warns first: make `warn` the smaller share",
            );
            return None;
        }
        Some(RejectLimits { warn, fail })
    }
}
