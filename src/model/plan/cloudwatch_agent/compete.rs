//! State Manager associations that work on the same package or configuration as we do.

use super::candidates::Candidate;
use super::wish::{CONFIGURE_DOCUMENT, PACKAGE_DOCUMENT};
use crate::model::desired::Object;
use crate::model::finding::Finding;
use crate::model::observed::{Association, Reading};
use crate::model::plan::draft::Draft;
use crate::model::reason::Reason;

/// Names every association that reaches one of `nodes`.
pub(super) fn plan(draft: &mut Draft<'_>, object: &Object, nodes: &[Candidate<'_>]) {
    let observed = draft.known.observed;
    for document in [CONFIGURE_DOCUMENT, PACKAGE_DOCUMENT] {
        let Some(associations) = observed.associations.get(document).and_then(Reading::known) else {
            continue;
        };
        for association in associations {
            let reached = nodes.iter().filter(|node| reaches(association, node)).count();
            if reached > 0 {
                let name = association.name.as_deref().unwrap_or(&association.id);
                let message = format!("association {name} runs {document} on {reached} of these nodes");
                let finding = Finding::of(&object.id, Reason::CompetingAssociation, message);
                draft.find(finding.about(association.id.clone()));
            }
        }
    }
}

fn reaches(association: &Association, node: &Candidate<'_>) -> bool {
    association.targets.iter().any(|(key, values)| match &**key {
        "InstanceIds" => values.iter().any(|value| &**value == "*" || *value == node.id),
        key => key.strip_prefix("tag:").is_some_and(|key| {
            let tags = node.instance.map(|instance| &instance.tags);
            tags.and_then(|tags| tags.get(key))
                .is_some_and(|have| values.iter().any(|value| **value == *have))
        }),
    })
}
