//! A Command document's text, read: its parameters and its steps.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::sim::world::nodes::Platform;

/// What a Command document does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Content {
    /// Such as `2.2`.
    pub schema: String,
    /// For people.
    pub description: String,
    /// In the document's order.
    pub parameters: Vec<ParameterSpec>,
    /// In the order they run.
    pub steps: Vec<Step>,
}

/// One parameter that a document takes.
#[derive(Clone, Debug, PartialEq)]
pub struct ParameterSpec {
    /// The name.
    pub name: String,
    /// `String`, `StringList`, `StringMap`, …
    pub kind: String,
    /// For people.
    pub description: String,
    /// `None` = the sender must give it.
    pub default: Option<Vec<String>>,
    /// Empty = any value.
    pub allowed: Vec<String>,
    /// `^[…]*$`.
    pub pattern: Option<String>,
}

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The plugin's name in results.
    pub name: String,
    /// Such as `aws:runShellScript`.
    pub action: String,
    /// The only platform it runs on; `None` = all.
    pub platform: Option<Platform>,
    /// The script, line by line.
    pub script: Vec<String>,
    /// How long it may run, in seconds; `None` = AWS's hour.
    pub timeout: Option<i64>,
}

impl Content {
    /// Reads a document's text.
    ///
    /// # Errors
    /// A sentence for the client.
    pub fn read(text: &str) -> Result<Self, String> {
        let document: Value =
            serde_json::from_str(text).map_err(|error| format!("JSON not well-formed: {error}"))?;
        let schema = document["schemaVersion"].as_str().ok_or("schemaVersion is missing")?;
        let steps = match schema {
            "2.2" | "2.0" => steps(&document)?,
            "1.2" => runtime_config(&document)?,
            other => return Err(format!("Unsupported schema version {other} for a Command document")),
        };
        Ok(Self {
            schema: schema.to_owned(),
            description: document["description"].as_str().unwrap_or_default().to_owned(),
            parameters: parameters(&document)?,
            steps,
        })
    }

    /// The values that a command runs with: those given, and the defaults.
    ///
    /// # Errors
    /// A sentence for the client: unknown, missing or not allowed.
    pub fn arguments(
        &self,
        given: &BTreeMap<String, Vec<String>>,
    ) -> Result<BTreeMap<String, String>, String> {
        let known: BTreeSet<&str> = self.parameters.iter().map(|spec| spec.name.as_str()).collect();
        if let Some(unknown) = given.keys().find(|name| !known.contains(name.as_str())) {
            return Err(format!("Parameter {unknown} is not defined in the document."));
        }
        let mut arguments = BTreeMap::new();
        for spec in &self.parameters {
            let values = given.get(&spec.name).or(spec.default.as_ref());
            let values = values.ok_or_else(|| format!("Parameter {} is required.", spec.name))?;
            if spec.kind == "String" && values.len() > 1 {
                return Err(format!("Parameter {} takes one value.", spec.name));
            }
            for value in values {
                let listed = spec.allowed.is_empty() || spec.allowed.contains(value);
                let matches = spec.pattern.as_ref().is_none_or(|pattern| class_matches(pattern, value));
                if !listed || !matches {
                    return Err(format!("Parameter {} does not allow the value {value}.", spec.name));
                }
            }
            arguments.insert(spec.name.clone(), values.join("\n"));
        }
        Ok(arguments)
    }

    /// The platforms that a document says it is for.
    pub fn platforms(&self) -> Vec<&'static str> {
        let all = [Platform::Windows, Platform::Linux, Platform::MacOs];
        let fits = |platform: &Platform| {
            self.steps.iter().any(|step| step.platform.is_none_or(|only| only == *platform))
        };
        all.iter().filter(|platform| fits(platform)).map(|platform| platform.name()).collect()
    }
}

fn parameters(document: &Value) -> Result<Vec<ParameterSpec>, String> {
    let Some(specs) = document["parameters"].as_object() else { return Ok(Vec::new()) };
    let read = |(name, spec): (&String, &Value)| {
        let pattern = spec["allowedPattern"].as_str().map(str::to_owned);
        if let Some(pattern) = pattern.as_ref().filter(|pattern| class(pattern).is_none()) {
            return Err(format!("The simulator evaluates only patterns such as ^[a-z]*$, not {pattern}"));
        }
        Ok(ParameterSpec {
            name: name.clone(),
            kind: spec["type"].as_str().ok_or(format!("Parameter {name} has no type"))?.to_owned(),
            description: spec["description"].as_str().unwrap_or_default().to_owned(),
            default: (!spec["default"].is_null()).then(|| texts(&spec["default"])),
            allowed: texts(&spec["allowedValues"]),
            pattern,
        })
    };
    specs.iter().map(read).collect()
}

fn steps(document: &Value) -> Result<Vec<Step>, String> {
    let steps = document["mainSteps"].as_array().filter(|steps| !steps.is_empty());
    let steps = steps.ok_or("mainSteps is missing")?;
    let read = |step: &Value| {
        let text =
            |member: &str| step[member].as_str().map(str::to_owned).ok_or(format!("A step has no {member}"));
        Ok(Step {
            name: text("name")?,
            action: text("action")?,
            platform: platform(&step["precondition"]),
            script: texts(&step["inputs"]["runCommand"]),
            timeout: seconds(&step["inputs"]["timeoutSeconds"]),
        })
    };
    steps.iter().map(read).collect()
}

/// Schema 1.2: each plugin is one step, named after itself.
fn runtime_config(document: &Value) -> Result<Vec<Step>, String> {
    let plugins = document["runtimeConfig"].as_object().ok_or("runtimeConfig is missing")?;
    let read = |(action, plugin): (&String, &Value)| Step {
        name: action.clone(),
        action: action.clone(),
        platform: None,
        script: texts(&plugin["properties"][0]["runCommand"]),
        timeout: seconds(&plugin["properties"][0]["timeoutSeconds"]),
    };
    Ok(plugins.iter().map(read).collect())
}

fn platform(precondition: &Value) -> Option<Platform> {
    let sides = precondition["StringEquals"].as_array()?;
    let all = [Platform::Windows, Platform::Linux, Platform::MacOs];
    all.into_iter().find(|platform| sides.iter().any(|side| side == platform.name()))
}

fn texts(value: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match value {
        Value::Null => Vec::new(),
        Value::Array(items) => items.iter().map(text).collect(),
        one => vec![text(one)],
    }
}

fn seconds(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// The inside of `^[…]*$`.
fn class(pattern: &str) -> Option<&str> {
    pattern.strip_prefix("^[")?.strip_suffix("]*$").filter(|class| !class.contains(['[', ']', '\\']))
}

fn class_matches(pattern: &str, value: &str) -> bool {
    let Some(class) = class(pattern) else { return false };
    let class: Vec<char> = class.chars().collect();
    let within = |wanted: char| {
        let mut at = 0;
        while at < class.len() {
            // A dash between two characters is a range; one at an end is itself.
            if class.get(at + 1) == Some(&'-') && at + 2 < class.len() {
                if (class[at]..=class[at + 2]).contains(&wanted) {
                    return true;
                }
                at += 3;
            } else if class[at] == wanted {
                return true;
            } else {
                at += 1;
            }
        }
        false
    };
    value.chars().all(within)
}

#[cfg(test)]
mod tests {
    use super::class_matches;

    #[test]
    fn a_character_class_is_evaluated() {
        let pattern = "^[a-zA-Z0-9-\"~:_@./^(*)!<>?=+,]*$";
        assert!(class_matches(pattern, "AmazonCloudWatch-a_b:7,/x"));
        assert!(class_matches(pattern, ""));
        assert!(!class_matches(pattern, "a b"));
        assert!(!class_matches(pattern, "$(x)"));
    }
}
