//! Names, tags, messages and outputs come from machines and people that may be hostile: whatever they hold, every page
//! stays one of ours, harmless and of a bounded size.

use std::sync::Arc;

use watchkeeper::model::desired::{Kind, ObjectRef};
use watchkeeper::model::explain::{Applies, Doing, Explanation, Fact, Ran, Subject};
use watchkeeper::model::reason::Reason;
use watchkeeper::model::status::Truth;

use crate::page_ground::{Site, Tag, epoch, event, picture, tags};

/// Breaks out of text, of attributes, of terminals, of lines, and of the direction of writing.
const HOSTILE: &str = "\"'><img src=x onerror=alert(1)><script>alert(1)</script></title>&lt;b&gt;`x`**{{7*7}}\u{1b}[31m\u{7}\r\n\u{202e}txt.exe\u{2066}javascript:alert(1)";
/// The largest page that may come of it, in bytes.
const BOUND: usize = 400_000;
/// Every element that our pages have.
const ELEMENTS: [&str; 54] = [
    "a", "b", "bdi", "body", "button", "code", "del", "details", "div", "dd", "dl", "dt", "em", "footer",
    "form", "h1", "h2", "h3", "head", "header", "html", "input", "ins", "label", "li", "link", "main",
    "meta", "nav", "ol", "option", "p", "pre", "rect", "script", "section", "select", "span", "strong",
    "summary", "svg", "table", "tbody", "td", "th", "thead", "time", "title", "tr", "ul", "wbr", "br", "i",
    "small",
];

/// An explanation in which every text that may come from outside is `text`.
fn explanation(text: &str) -> Explanation {
    let arc: Arc<str> = text.into();
    let object = ObjectRef::new(Kind::FlowLog, text);
    let doing = Doing {
        object: Some(object.clone()),
        part: Some(arc.clone()),
        reason: Reason::Drift,
        message: text.to_owned(),
        drift: vec![text.to_owned(), format!("{text}: {text} → {text}")],
        until: Some(epoch()),
        next: Some(text.to_owned()),
    };
    let ran = Ran {
        command: arc.clone(),
        node: Some(arc.clone()),
        what: text.to_owned(),
        outcome: text.to_owned(),
        requested: epoch(),
        finished: None,
        output: text.to_owned(),
    };
    let applies = Applies {
        object,
        at: text.to_owned(),
        how: text.to_owned(),
        management: text.to_owned(),
        standing: Some((Truth::False, Reason::Drift, text.to_owned())),
    };
    Explanation {
        subject: Subject::Node(arc.clone()),
        title: text.to_owned(),
        at: epoch(),
        account: arc.clone(),
        region: arc.clone(),
        revision: arc,
        applies: vec![applies],
        observed: vec![Fact { what: text.to_owned(), value: text.to_owned(), age: Some(3) }],
        doing: vec![doing],
        commands: vec![ran],
        events: Vec::new(),
    }
}

fn check(path: &str, html: &str) {
    assert!(html.len() <= BOUND, "{path} has {} bytes", html.len());
    let steers = |c: char| {
        (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    assert!(!html.contains(steers), "{path}: a character that steers");
    for tag in tags(html) {
        assert!(ELEMENTS.contains(&tag.name.as_str()), "{path}: <{}>", tag.name);
        attributes(path, &tag);
    }
}

fn attributes(path: &str, tag: &Tag) {
    for (name, value) in &tag.attributes {
        assert!(!name.starts_with("on") && name != "style", "{path}: {name} in <{}>", tag.name);
        if matches!(name.as_str(), "href" | "src" | "action") {
            let is_ours = (value.starts_with('/') && !value.starts_with("//")) || value.starts_with('#');
            assert!(is_ours, "{path}: {name}=\"{value}\"");
        }
    }
    if tag.name == "script" {
        assert!(tag.attribute("src").is_some_and(|src| src.starts_with("/assets/live-")), "{path}: {tag:?}");
    }
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

async fn every_page_is_ours(text: &str, in_addresses: bool) {
    let site = Site::of(Some(picture(text)), Some(explanation(text))).await;
    // A journal that holds a megabyte in every field of every event is not what this is about.
    let events = if in_addresses { 150 } else { 2 };
    site.journal.write((1..=events).map(|number| event(number, text)).collect());
    let mut paths: Vec<String> =
        ["/", "/?by=object", "/events", "/parts", "/coverage", "/runbook", "/runbook/Drift"]
            .map(str::to_owned)
            .to_vec();
    if in_addresses {
        let word = encoded(text);
        paths.extend([
            format!("/nodes/{word}"),
            format!("/networks/{word}"),
            format!("/objects/FlowLog/{word}"),
            format!("/objects/{word}/x"),
            format!("/runbook/{word}"),
            format!("/{word}"),
            format!("/events?q={word}"),
            format!("/events?for={word}"),
            format!("/events?severity={word}"),
            format!("/events?{word}=1"),
            format!("/parts?q={word}"),
            format!("/parts?object=FlowLog/{word}"),
            format!("/coverage?q={word}"),
        ]);
    } else {
        paths.push("/nodes/i-1".to_owned());
    }
    for path in paths {
        let reply = site.get(&path).await;
        assert!(reply.header("content-type").starts_with("text/html"), "{path}: {}", reply.status);
        check(&path, &reply.body);
    }
}

#[tokio::test]
async fn markup_quotes_escape_codes_and_turned_lines_are_harmless_on_every_page() {
    every_page_is_ours(HOSTILE, true).await;
}

#[tokio::test]
async fn a_megabyte_of_text_in_every_field_makes_no_large_page() {
    every_page_is_ours(&HOSTILE.repeat(1_000_000 / HOSTILE.len() + 1), false).await;
}

#[tokio::test]
async fn what_is_not_known_is_said_on_a_page_of_ours() {
    let site = Site::of(Some(picture("plain")), None).await;
    let reply = site.get(&format!("/nodes/{}", encoded(HOSTILE))).await;
    assert_eq!(reply.status, 404);
    check("not known", &reply.body);
}

#[tokio::test]
async fn only_the_console_of_aws_is_linked_to() {
    let site = Site::of(Some(picture("plain")), None).await;
    for (address, is_linked) in [
        ("https://us-east-1.console.aws.amazon.com/ec2/home?region=us-east-1", true),
        ("https://console.amazonaws.cn/x", true),
        ("https://console.aws.amazon.com.evil.example/", false),
        ("https://evil.example/console.aws.amazon.com", false),
        ("https://a@evil.example\\.console.aws.amazon.com/", false),
        ("javascript:alert(1)//.console.aws.amazon.com", false),
        ("http://console.aws.amazon.com/", false),
    ] {
        let mut one = event(1, "plain");
        one.console = Some(address.to_owned());
        site.journal.write(vec![one]);
        let body = site.get("/events").await.body;
        let links: Vec<Tag> =
            tags(&body).into_iter().filter(|tag| tag.attribute("href") == Some(address)).collect();
        assert_eq!(!links.is_empty(), is_linked, "{address}");
    }
}
