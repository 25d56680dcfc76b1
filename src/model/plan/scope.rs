//! Which documents concern this account.

use std::collections::BTreeMap;

use crate::model::desired::{Desired, Kind, Object, Spec};
use crate::model::observed::Observed;

/// Whether `object` applies to the account that is observed: it says nothing of accounts, or selects this one
/// by the labels of its `Account` document. While the account is not known, a document that selects does not apply.
pub fn applies(desired: &Desired, observed: &Observed, object: &Object) -> bool {
    let Some(selector) = &object.common.accounts else { return true };
    let Some(identity) = observed.identity.known() else { return false };
    let none = BTreeMap::new();
    let labels = desired
        .of_kind(Kind::Account)
        .find_map(|object| match &object.spec {
            Spec::Account(account) if account.id == *identity.account => Some(&account.labels),
            _ => None,
        })
        .unwrap_or(&none);
    selector.matches(labels)
}
