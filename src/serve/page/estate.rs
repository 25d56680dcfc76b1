//! Every node and every network as a cell: grouped by condition, or by object; the worst first.
//!
//! Ten thousand cells are most of what the page weighs, so a cell has nothing that it does not need, and what was drawn
//! of a picture is kept until there is another.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use maud::{Markup, PreEscaped, html};

use super::{Frame, conditions, links, text};
use crate::model::desired::Kind;
use crate::model::picture::{Condition, Part, Picture, Sort};

/// The longest name in a cell's title, in characters.
const NAME: usize = 48;
/// From this many cells on, they are small; and smaller.
const MANY: [usize; 2] = [300, 2_500];

/// By what cells are grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// By where they stand.
    Condition,
    /// By the object that selects them.
    Object,
}

impl By {
    pub(super) const ALL: [Self; 2] = [Self::Condition, Self::Object];

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Condition => "condition",
            Self::Object => "object",
        }
    }
}

/// What was drawn last.
#[derive(Debug, Default)]
pub struct Cache(Mutex<Vec<Drawn>>);

/// The cells of one picture.
#[derive(Debug)]
struct Drawn {
    picture: Weak<Picture>,
    by: By,
    is_old: bool,
    text: Arc<str>,
}

impl Cache {
    /// The cells, from the cache or drawn now.
    pub(super) fn estate(&self, frame: &Frame, picture: &Arc<Picture>, by: By) -> Markup {
        let is_old = frame.overdue.is_some();
        let is_meant = |drawn: &Drawn| {
            drawn.by == by
                && drawn.is_old == is_old
                && drawn.picture.upgrade().is_some_and(|known| Arc::ptr_eq(&known, picture))
        };
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(drawn) = kept.iter().find(|drawn| is_meant(drawn)) {
            return PreEscaped(drawn.text.to_string());
        }
        let drawn = estate(frame, picture, by);
        // A picture that nobody holds any more is not asked for again.
        kept.retain(|drawn| drawn.picture.strong_count() > 0 && (drawn.by, drawn.is_old) != (by, is_old));
        let text = drawn.0.as_str().into();
        kept.push(Drawn { picture: Arc::downgrade(picture), by, is_old, text });
        drawn
    }
}

fn estate(frame: &Frame, picture: &Picture, by: By) -> Markup {
    let (nodes, networks): (Vec<&Part>, Vec<&Part>) =
        picture.parts.iter().partition(|part| part.sort == Sort::Node);
    html! {
        (cells(frame, &nodes, by, "Nodes", "node"))
        (cells(frame, &networks, by, "Networks", "network"))
    }
}

fn cells(frame: &Frame, parts: &[&Part], by: By, heading: &str, noun: &str) -> Markup {
    let size = match parts.len() {
        few if few <= MANY[0] => "large",
        many if many <= MANY[1] => "medium",
        _ => "small",
    };
    let prefix = noun;
    html! {
        section.estate aria-labelledby=(format!("{prefix}s-heading")) {
            div.bar-of-heading #{ (prefix) "s-counts" } data-live {
                h2 #{ (prefix) "s-heading" } { (heading) " " span.muted { (text::count(parts.len())) } }
                (legend(frame, parts, noun))
            }
            div.cells.(size) #{ (prefix) "s-cells" } data-live {
                @if parts.is_empty() { p.muted { "None are known." } }
                @for group in groups(frame, parts, by) { (group.drawn(frame, noun)) }
            }
        }
    }
}

/// In one line each: how many nodes, and networks, stand how. Only what there is, the worst first.
pub(super) fn glance(frame: &Frame, picture: &Picture) -> Markup {
    html! {
        div.counts-at-a-glance {
            @for (noun, is_node) in [("node", true), ("network", false)] {
                p {
                    @let parts: Vec<&Part> = picture.parts.iter().filter(|part| (part.sort == Sort::Node) == is_node).collect();
                    a href={ "#" (noun) "s-heading" } { (text::counted(parts.len(), noun)) }
                    @for condition in Condition::ALL.into_iter().rev() {
                        @let number = parts.iter().filter(|part| frame.condition(part) == condition).count();
                        @if number > 0 { span { (conditions::mark(condition)) b { (text::count(number)) } " " (condition.word()) } }
                    }
                }
            }
        }
    }
}

/// How many there are in each condition, each leading to a plain list of them.
fn legend(frame: &Frame, parts: &[&Part], noun: &str) -> Markup {
    html! {
        ul.legend {
            @for condition in Condition::ALL.into_iter().rev() {
                @let number = parts.iter().filter(|part| frame.condition(part) == condition).count();
                li.none[number == 0] {
                    a href=(links::with_query("/parts", &[("condition", condition.word()), ("kind", noun)])) title=(conditions::means(condition)) {
                        (conditions::mark(condition)) (condition.word()) " " b { (text::count(number)) }
                    }
                }
            }
        }
    }
}

/// Cells under one heading.
struct Group<'a> {
    title: Title,
    parts: Vec<&'a Part>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Title {
    /// The worst first.
    Condition(std::cmp::Reverse<Condition>),
    Object(crate::model::desired::ObjectRef),
    NoObject,
}

fn groups<'a>(frame: &Frame, parts: &[&'a Part], by: By) -> Vec<Group<'a>> {
    let mut groups: BTreeMap<Title, Vec<&Part>> = BTreeMap::new();
    for part in parts {
        let title = match by {
            By::Condition => Title::Condition(std::cmp::Reverse(frame.condition(part))),
            By::Object => owner(part),
        };
        groups.entry(title).or_default().push(part);
    }
    let mut groups: Vec<Group<'_>> =
        groups.into_iter().map(|(title, parts)| Group { title, parts }).collect();
    for group in &mut groups {
        group.parts.sort_by_key(|part| (std::cmp::Reverse(frame.condition(part)), &part.name, &part.id));
    }
    groups
}

/// The object under which a part is shown: what manages it, before what only attaches a role to it.
fn owner(part: &Part) -> Title {
    let manages = |kind: Kind| matches!(kind, Kind::CloudWatchAgent | Kind::FlowLog);
    let owner = part.objects.iter().find(|object| manages(object.kind)).or(part.objects.first());
    owner.map_or(Title::NoObject, |object| Title::Object(object.clone()))
}

impl Group<'_> {
    fn drawn(&self, frame: &Frame, noun: &str) -> Markup {
        let heading = match &self.title {
            Title::Condition(std::cmp::Reverse(condition)) => conditions::word(*condition),
            Title::Object(object) => links::object(object),
            Title::NoObject => html! { "No document selects these" },
        };
        let label = match &self.title {
            Title::Condition(std::cmp::Reverse(condition)) => condition.word().to_owned(),
            Title::Object(object) => object.to_string(),
            Title::NoObject => "no document".to_owned(),
        };
        let number = text::counted(self.parts.len(), noun);
        let shows_condition = !matches!(self.title, Title::Condition(_));
        html! {
            div.group {
                h3 { (heading) " " span.muted { (text::count(self.parts.len())) } }
                div.grid role="group" aria-label=(format!("{}: {number}", text::line(&label, 80))) {
                    @for (at, part) in self.parts.iter().enumerate() { (cell(frame, part, at == 0, shows_condition)) }
                }
            }
        }
    }
}

/// Only the first of a group is a stop of the Tab key: the script moves that with the arrow keys, and without it the
/// legend leads to a list.
fn cell(frame: &Frame, part: &Part, is_first: bool, shows_condition: bool) -> Markup {
    let condition = frame.condition(part);
    let mut title = part.id.to_string();
    if !part.name.is_empty() {
        title = format!("{} {title}", text::line(&part.name, NAME));
    }
    if frame.overdue.is_some() {
        title = format!("{title}, was {}", part.condition.word());
    } else if !matches!(condition, Condition::Ready | Condition::Unmanaged) {
        title = format!("{title}: {}", part.reason.word());
    } else if shows_condition {
        title = format!("{title}: {}", condition.word());
    }
    let title = text::line(&title, 160);
    html! {
        a.(conditions::class(condition)) href=(links::part_path(part)) title=(title) tabindex=[(!is_first).then_some("-1")] {}
    }
}
