//! Our check against the agent's own schema, on configurations that are made from that schema, and then damaged.
//!
//! Never refused by us where the schema accepts, but for what the agent refuses later ([`STRICTER`]); never accepted
//! where the schema refuses. Each case has a seed, which a failure prints.
//!
//! The schema is not part of this repository. It is `translator/config/schema.json` of aws/amazon-cloudwatch-agent
//! at commit ab55b8da; `AGENT_SCHEMA` names a copy, or it lies in `shared/data/` beside the checkout. Where it cannot
//! be found, our check is held against verdicts that were recorded with it, `tests/agent_config/judged.jsonl`
//! (`UPDATE_GOLDEN=1` records them).

use std::fs;
use std::path::{Path, PathBuf};

use fastrand::Rng;
use serde_json::{Map, Value, json};
use watchkeeper::model::agent_config::check_text;
use watchkeeper::model::desired::Severity;

use crate::draft04::{Schema, verdict};

/// How many configurations are made.
const CASES: u64 = 4_000;
/// How many verdicts are recorded.
const RECORDED: u64 = 400;
/// Larger ones are not recorded.
const LARGEST_RECORD: usize = 900;

/// What the schema accepts and the agent refuses nevertheless: parts of our message, and why.
const STRICTER: [(&[&str], &str); 5] = [
    (&["filters[", "`type` is missing"], "the translator refuses a filter without a type"),
    (&["filters[", "`expression` is missing"], "the translator refuses a filter without an expression"),
    (&["filters[", "expression`: this may not be empty"], "an empty expression is none for the translator"),
    (&["no regular expression"], "the translator, or the agent at its start, compiles it and stops"),
    (&["is given", " here and "], "the translator refuses two retentions or classes for one group"),
];

fn schema() -> Option<Schema> {
    #[expect(
        clippy::disallowed_methods,
        reason = "only this test needs a file that is not in the repository"
    )]
    let named = std::env::var_os("AGENT_SCHEMA").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|folder| folder.join("shared/data/amazon-cloudwatch-agent-schema.json"))
        .find(|path| path.is_file());
    let text = fs::read_to_string(named.or(beside)?).expect("the schema that was named");
    Some(Schema { root: serde_json::from_str(&text).expect("a schema is JSON") })
}

/// Our errors on a configuration.
fn our_errors(text: &str) -> Vec<String> {
    let errors = check_text(text).findings.into_iter().filter(|finding| finding.severity == Severity::Error);
    errors.map(|finding| finding.message).collect()
}

fn is_stricter(message: &str) -> bool {
    STRICTER.iter().any(|(parts, _)| parts.iter().all(|part| message.contains(part)))
}

/// What is wrong with our verdict, if anything.
fn contradiction(text: &str, accepted: bool) -> Option<String> {
    let errors = our_errors(text);
    match (accepted, errors.as_slice()) {
        (false, []) => Some(String::from("accepted by us, refused by the schema")),
        (true, errors) => {
            let refused: Vec<&String> = errors.iter().filter(|message| !is_stricter(message)).collect();
            (!refused.is_empty()).then(|| format!("refused by us, accepted by the schema: {refused:#?}"))
        }
        _ => None,
    }
}

/// The configuration of a seed: every third one whole, the others damaged once or twice.
fn configuration(schema: &Schema, seed: u64) -> Value {
    let mut rng = Rng::with_seed(seed);
    let mut config = generate(schema, &schema.root, &mut rng, 0);
    for _ in 0..seed % 3 {
        let places = count(&config);
        damage(&mut config, &mut rng.usize(..places), &mut Rng::with_seed(rng.u64(..)));
    }
    config
}

#[test]
fn our_check_and_the_agents_schema_agree() {
    let Some(schema) = schema() else {
        println!("the agent's schema is not here (AGENT_SCHEMA): only recorded verdicts are held against");
        return;
    };
    let (mut wrong, mut whole, mut refused) = (Vec::new(), 0, 0);
    for seed in 0..CASES {
        let config = configuration(&schema, seed);
        let accepted = verdict(&schema, &config);
        whole += u64::from(seed % 3 == 0 && accepted);
        refused += u64::from(!accepted);
        if let Some(what) = contradiction(&config.to_string(), accepted) {
            wrong.push(format!("seed {seed}: {what}\n{config:#}"));
        }
    }
    // Parts of one object are made one by one, and some of them contradict each other.
    assert!(whole * 10 > CASES / 3 * 8, "what is made from the schema satisfies it: {whole}");
    assert!(refused > CASES / 4, "damage is refused: {refused}");
    assert!(
        wrong.is_empty(),
        "{} contradictions, the first:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(5)].join("\n")
    );
    record(&schema);
}

fn records() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/agent_config/judged.jsonl")
}

fn record(schema: &Schema) {
    #[expect(clippy::disallowed_methods, reason = "only a person who updates the expectations sets it")]
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    if !update {
        return;
    }
    let mut lines = String::new();
    for seed in 0..RECORDED {
        let config = configuration(schema, seed);
        let line =
            json!({ "seed": seed, "accepted": verdict(schema, &config), "config": config }).to_string();
        if line.len() <= LARGEST_RECORD {
            lines += &line;
            lines.push('\n');
        }
    }
    fs::write(records(), lines).expect("write the records");
}

#[test]
fn our_check_and_the_recorded_verdicts_agree() {
    let text = fs::read_to_string(records()).expect("the records");
    let mut wrong = Vec::new();
    for line in text.lines() {
        let record: Value = serde_json::from_str(line).expect("a record is JSON");
        let accepted = record["accepted"].as_bool().expect("a verdict");
        if let Some(what) = contradiction(&record["config"].to_string(), accepted) {
            wrong.push(format!("seed {}: {what}", record["seed"]));
        }
    }
    assert!(text.lines().count() > 200);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A value that satisfies the schema, as long as its parts do not contradict each other.
fn generate(schema: &Schema, at: &Value, rng: &mut Rng, depth: usize) -> Value {
    let at = schema.resolve(at);
    if let Some(choices) = at["oneOf"].as_array() {
        return generate(schema, &choices[rng.usize(..choices.len())], rng, depth);
    }
    if let Some(choices) = at["enum"].as_array() {
        return choices[rng.usize(..choices.len())].clone();
    }
    match at["type"].as_str() {
        Some("object") => object(schema, at, rng, depth),
        Some("array") => array(schema, at, rng, depth),
        Some("string") => text(at, rng),
        Some("integer") => integer(at, rng),
        Some("boolean") => rng.bool().into(),
        _ => match at["allOf"].as_array() {
            Some(_) => object(schema, at, rng, depth),
            None => json!({}),
        },
    }
}

fn object(schema: &Schema, at: &Value, rng: &mut Rng, depth: usize) -> Value {
    let mut made = Map::new();
    for part in at["allOf"].as_array().into_iter().flatten() {
        if let Value::Object(entries) = generate(schema, part, rng, depth) {
            made.extend(entries);
        }
    }
    let mut wanted: Vec<&str> =
        at["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if let Some(choices) = at["anyOf"].as_array() {
        let choice = &choices[rng.usize(..choices.len())]["required"];
        wanted.extend(choice.as_array().into_iter().flatten().filter_map(Value::as_str));
    }
    let properties: Vec<(&String, &Value)> = at["properties"].as_object().into_iter().flatten().collect();
    if at["minProperties"].as_u64() > Some(0) && !properties.is_empty() {
        wanted.push(properties[rng.usize(..properties.len())].0);
    }
    // At the root every section; deeper in, fewer and fewer fields.
    let chance = [0.5, 0.3, 0.25, 0.2][depth.min(3)];
    for (name, property) in properties {
        if wanted.contains(&name.as_str()) || rng.f64() < chance {
            made.insert(name.clone(), generate(schema, property, rng, depth + 1));
        }
    }
    if at["additionalProperties"].is_object() && rng.bool() {
        made.insert(String::from("Other"), generate(schema, &at["additionalProperties"], rng, depth + 1));
    } else if at["additionalProperties"] != Value::Bool(false) && rng.u8(..8) == 0 {
        made.insert(String::from("unforeseen"), json!([1, { "a": null }]));
    }
    Value::Object(made)
}

fn array(schema: &Schema, at: &Value, rng: &mut Rng, depth: usize) -> Value {
    let bound =
        |name: &str, default: u64| usize::try_from(at[name].as_u64().unwrap_or(default)).expect("small");
    let least = bound("minItems", 0);
    let count = rng.usize(least..=bound("maxItems", u64::MAX).min(least + 2));
    let mut items: Vec<Value> = Vec::new();
    for _ in 0..count {
        let item = generate(schema, &at["items"], rng, depth + 1);
        if at["uniqueItems"] != Value::Bool(true) || !items.contains(&item) {
            items.push(item);
        }
    }
    Value::Array(items)
}

fn text(at: &Value, rng: &mut Rng) -> Value {
    let bound = |name: &str| at[name].as_u64().map(|bound| usize::try_from(bound).expect("small"));
    // The only text with another rule is a role: this long it satisfies it.
    let least = if at["anyOf"].is_array() { 20 } else { bound("minLength").unwrap_or(0) };
    let most = bound("maxLength").unwrap_or(40);
    let length = match rng.u8(..12) {
        0 => least,
        1 if most <= 300 => most,
        _ => rng.usize(least..=most.min(least.max(8) + 8)),
    };
    let letters =
        (0..length).map(|_| char::from(rng.choice(b"abcdefgh_ijkl/m.".iter().copied()).unwrap_or(b'a')));
    letters.collect::<String>().into()
}

fn integer(at: &Value, rng: &mut Rng) -> Value {
    let least = at["minimum"].as_i64().unwrap_or(-5);
    let most = at["maximum"].as_i64().unwrap_or(1_000_000);
    match rng.u8(..6) {
        0 => least.into(),
        1 => most.into(),
        // A whole number, however it is written.
        2 => json!(f64::from(i32::try_from(least).expect("small"))),
        _ => rng.i64(least..=most).into(),
    }
}

/// How many values there are, the whole included.
fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(entries) => entries.values().map(count).sum(),
        _ => 0,
    }
}

/// Damages the value that is reached after `steps` others.
fn damage(value: &mut Value, steps: &mut usize, rng: &mut Rng) -> bool {
    if *steps == 0 {
        hurt(value, rng);
        return true;
    }
    *steps -= 1;
    match value {
        Value::Array(items) => items.iter_mut().any(|item| damage(item, steps, rng)),
        Value::Object(entries) => entries.values_mut().any(|item| damage(item, steps, rng)),
        _ => false,
    }
}

fn hurt(value: &mut Value, rng: &mut Rng) {
    let other_types = [
        json!(null),
        json!(true),
        json!(7),
        json!("word"),
        json!([]),
        json!({}),
        json!(["a"]),
        json!({ "a": 1 }),
    ];
    match (value, rng.u8(..4)) {
        (Value::Object(entries), 0..=1) if !entries.is_empty() => {
            let key = entries.keys().nth(rng.usize(..entries.len())).cloned().unwrap_or_default();
            entries.remove(&key);
        }
        (Value::Object(entries), 2) => {
            entries.insert(String::from("nobody_knows_this"), json!({ "measurement": [rng.u8(..)] }));
        }
        (Value::Array(items), 0) => items.clear(),
        (Value::Array(items), 1..=2) if !items.is_empty() => {
            let again = items[rng.usize(..items.len())].clone();
            items.push(again);
        }
        (number @ Value::Number(_), 0..=2) => {
            let numbers =
                [json!(0), json!(-1), json!(172_801), json!(0.5), json!(65_536), json!(1e30), json!(2)];
            *number = numbers[rng.usize(..numbers.len())].clone();
        }
        (Value::String(text), 0) => text.clear(),
        (Value::String(text), 1) => *text = "long".repeat(1_100),
        (Value::String(text), 2) => text.push_str("ish"),
        (other, _) => *other = other_types[rng.usize(..other_types.len())].clone(),
    }
}
