//! Who sees what: a manager sees the sales of the region and the customers who bought there.
//!
//! Tables of the whole company, such as basket rules and the model of customer value, are not filtered.

use std::collections::BTreeMap;

use crate::tmdl::{self, Tmdl};
use crate::{Content, Error, name};

/// A role and the filter of each table it narrows.
pub(super) struct Role {
    pub(super) name: String,
    about: String,
    filters: Vec<(&'static str, String)>,
}

/// Anonymous sales have the customer key 0, which every region may have.
const ANONYMOUS: &str = "dim_customer[customer_key] = 0 || ";

/// One role for all regions, one that asks `security_user_region` who is signed in, and one for each region.
///
/// Regions are told by key: a name may change, and the comparison of text ignores case.
pub(super) fn roles(content: &Content) -> Result<Vec<Role>, Error> {
    let mut by_key = BTreeMap::new();
    for region in &content.regions {
        if let Some(first) = by_key.insert(region.key, &region.name) {
            return Err(Error::RegionTwice { key: region.key, first: first.clone(), second: region.name.clone() });
        }
    }
    by_key.remove(&0);
    let names = name::roles(&by_key.values().map(|name| name.as_str()).collect::<Vec<_>>());
    let mut roles = vec![all(), manager()];
    roles.extend(by_key.iter().zip(names).map(|((key, region), name)| one(*key, region, name)));
    Ok(roles)
}

fn all() -> Role {
    Role {
        name: "All regions".to_owned(),
        about: "Sees every region; for people who hold no rights to edit in the workspace.".to_owned(),
        filters: vec![("security_user_region", "FALSE()".to_owned())],
    }
}

fn manager() -> Role {
    let mine = "FILTER(security_user_region, security_user_region[user_principal_name] = USERPRINCIPALNAME())";
    let regions = format!("SELECTCOLUMNS({mine}, \"region_key\", security_user_region[region_key])");
    let bought = format!("FILTER(customer_region, customer_region[region_key] IN {regions})");
    Role {
        name: "Regional manager".to_owned(),
        about: "Sees the regions that security_user_region grants to the sign-in name, and the customers who bought there."
            .to_owned(),
        filters: vec![
            ("dim_customer", customers(&bought)),
            ("dim_region", format!("dim_region[region_key] IN {regions}")),
            ("security_user_region", "security_user_region[user_principal_name] = USERPRINCIPALNAME()".to_owned()),
        ],
    }
}

fn one(key: i64, region: &str, name: String) -> Role {
    Role {
        name,
        about: format!("Sees the region {region} and the customers who bought there."),
        filters: vec![
            ("dim_customer", customers(&format!("FILTER(customer_region, customer_region[region_key] = {key})"))),
            ("dim_region", format!("dim_region[region_key] = {key}")),
            ("security_user_region", "FALSE()".to_owned()),
        ],
    }
}

fn customers(bought: &str) -> String {
    let keys = format!("SELECTCOLUMNS({bought}, \"customer_key\", customer_region[customer_key])");
    format!("{ANONYMOUS}dim_customer[customer_key] IN {keys}")
}

pub(super) fn role(role: &Role) -> String {
    let mut text = Tmdl::default();
    text.about(0, &role.about).line(0, &format!("role {}", tmdl::name(&role.name))).line(1, "modelPermission: read").gap();
    for (table, filter) in &role.filters {
        text.line(1, &format!("tablePermission {table} = {filter}")).gap();
    }
    text.finish()
}
