//! Parameter Store: values, their versions and labels, and every limit that AWS puts on them.
//!
//! Knows nothing of the wire: it says what AWS would say, in AWS's error codes. Nothing here is encrypted;
//! a `SecureString` is only a type.

mod rules;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;

use crate::sim::wire::{AwsError, Rate};

/// The bucket that `GetParameter`, `GetParameters` and `GetParametersByPath` share, with each node's own fetches.
/// (docs:general/latest/gr/ssm.html: 40 per second.)
pub const GETS: Rate = Rate { burst: 40.0, per_second: 40.0, shared: "parameters-get" };
/// How many versions AWS keeps.
const VERSIONS: usize = 100;
/// How many labels a version may carry.
const LABELS: usize = 10;
/// How many standard parameters an account has in one Region.
const STANDARD_PARAMETERS: usize = 10_000;

/// All parameters of a Region.
#[derive(Clone, Debug, Default)]
pub struct Parameters {
    /// By full name.
    pub parameters: BTreeMap<String, Parameter>,
}

/// One parameter.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// `String`, `StringList` or `SecureString`.
    pub kind: String,
    /// `Standard` or `Advanced`.
    pub tier: String,
    /// `text` unless the client said otherwise.
    pub data_type: String,
    /// The key a `SecureString` is encrypted with.
    pub key_id: Option<String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// The versions that AWS still keeps, oldest first; never empty.
    pub versions: VecDeque<Version>,
}

/// One version of a parameter.
#[derive(Clone, Debug)]
pub struct Version {
    /// Counts from 1.
    pub number: i64,
    /// The value, byte for byte. Shared with the nodes that fetched it.
    pub value: Arc<str>,
    /// What the writer said about it.
    pub description: Option<String>,
    /// When it was written.
    pub modified: Timestamp,
    /// Labels that point here.
    pub labels: BTreeSet<String>,
}

/// What a client wants written.
#[derive(Clone, Debug, Default)]
pub struct Put {
    /// Full name.
    pub name: String,
    /// The value.
    pub value: String,
    /// Needed to create.
    pub kind: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// Whether an existing parameter may be written.
    pub overwrite: bool,
    /// `Standard`, `Advanced` or `Intelligent-Tiering`.
    pub tier: Option<String>,
    /// `text`, `aws:ec2:image`, `aws:ssm:integration`.
    pub data_type: Option<String>,
    /// For a `SecureString`.
    pub key_id: Option<String>,
    /// Only when it is created.
    pub tags: BTreeMap<String, String>,
}

/// One version of a parameter, as it was asked for.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// Full name.
    pub name: &'a str,
    /// The `:7` or `:stable` of the request.
    pub selector: Option<&'a str>,
    /// The parameter.
    pub parameter: &'a Parameter,
    /// The version.
    pub version: &'a Version,
}

impl Parameter {
    /// The newest version.
    pub fn latest(&self) -> Option<&Version> {
        self.versions.back()
    }
}

impl Parameters {
    /// Writes a parameter: its new version and its tier.
    ///
    /// # Errors
    /// AWS's own, in AWS's words: name, size, tier, tags with overwrite, existing, too many versions.
    pub fn put(&mut self, now: Timestamp, put: Put) -> Result<(i64, String), AwsError> {
        rules::check(&put)?;
        match self.parameters.get_mut(&put.name) {
            Some(_) if !put.overwrite => Err(AwsError::new(
                "ParameterAlreadyExists",
                "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.",
            )),
            Some(parameter) => parameter.write(now, put),
            None => self.create(now, put),
        }
    }

    fn create(&mut self, now: Timestamp, put: Put) -> Result<(i64, String), AwsError> {
        let Some(kind) = put.kind.clone() else {
            return Err(rules::invalid("A parameter type is required when you create a parameter."));
        };
        let tier = rules::tier(None, &put)?;
        if self.parameters.len() >= STANDARD_PARAMETERS {
            return Err(AwsError::new(
                "ParameterLimitExceeded",
                "You have exceeded the number of parameters for this AWS account.",
            ));
        }
        let mut parameter = Parameter {
            kind,
            tier: tier.clone(),
            data_type: put.data_type.clone().unwrap_or_else(|| "text".to_owned()),
            key_id: put.key_id.clone(),
            tags: put.tags.clone(),
            versions: VecDeque::new(),
        };
        let name = put.name.clone();
        parameter.push(now, 1, put);
        self.parameters.insert(name, parameter);
        Ok((1, tier))
    }

    /// The version that `asked` means: `name`, `name:7` or `name:label`; a name may also be an ARN.
    ///
    /// # Errors
    /// `ParameterNotFound`, `ParameterVersionNotFound`.
    pub fn get<'a>(&'a self, asked: &'a str) -> Result<Found<'a>, AwsError> {
        let asked = rules::without_arn(asked);
        let (name, selector) = asked.split_once(':').map_or((asked, None), |(name, rest)| (name, Some(rest)));
        let (name, parameter) = self.parameters.get_key_value(name).ok_or_else(|| not_found(name))?;
        let version = match selector {
            None => parameter.latest(),
            Some(selector) => parameter.select(selector),
        };
        let version = version.ok_or_else(|| version_not_found(name, selector.unwrap_or("$LATEST")))?;
        Ok(Found { name, selector, parameter, version })
    }

    /// Puts labels on a version (`None` = the newest), taking them from wherever they were.
    /// Gives back the version's number and the labels that AWS does not accept.
    ///
    /// # Errors
    /// `ParameterNotFound`, `ParameterVersionNotFound`, `ParameterVersionLabelLimitExceeded`.
    pub fn label(
        &mut self,
        name: &str,
        number: Option<i64>,
        labels: &[String],
    ) -> Result<(i64, Vec<String>), AwsError> {
        let parameter = self.parameters.get_mut(name).ok_or_else(|| not_found(name))?;
        let wanted = number.or_else(|| parameter.latest().map(|version| version.number)).unwrap_or_default();
        let Some(at) = parameter.versions.iter().position(|version| version.number == wanted) else {
            return Err(version_not_found(name, &wanted.to_string()));
        };
        let (valid, invalid): (Vec<String>, Vec<String>) =
            labels.iter().cloned().partition(|label| rules::is_label(label));
        let mut after = parameter.versions[at].labels.clone();
        after.extend(valid.iter().cloned());
        if after.len() > LABELS {
            return Err(AwsError::new(
                "ParameterVersionLabelLimitExceeded",
                "A parameter version can have a maximum of ten labels.",
            ));
        }
        for version in &mut parameter.versions {
            version.labels.retain(|label| !valid.contains(label));
        }
        parameter.versions[at].labels = after;
        Ok((wanted, invalid))
    }

    /// Takes labels off a version: those taken off, and those it did not have.
    ///
    /// # Errors
    /// `ParameterNotFound`, `ParameterVersionNotFound`.
    pub fn unlabel(
        &mut self,
        name: &str,
        number: i64,
        labels: &[String],
    ) -> Result<(Vec<String>, Vec<String>), AwsError> {
        let parameter = self.parameters.get_mut(name).ok_or_else(|| not_found(name))?;
        let version = parameter
            .versions
            .iter_mut()
            .find(|version| version.number == number)
            .ok_or_else(|| version_not_found(name, &number.to_string()))?;
        Ok(labels.iter().cloned().partition(|label| version.labels.remove(label)))
    }

    /// Deletes a parameter with all its versions.
    ///
    /// # Errors
    /// `ParameterNotFound`.
    pub fn delete(&mut self, name: &str) -> Result<(), AwsError> {
        let name = rules::without_arn(name);
        self.parameters.remove(name).map(drop).ok_or_else(|| not_found(name))
    }
}

impl Parameter {
    fn write(&mut self, now: Timestamp, put: Put) -> Result<(i64, String), AwsError> {
        if put.kind.as_ref().is_some_and(|kind| *kind != self.kind) {
            return Err(AwsError::new(
                "HierarchyTypeMismatchException",
                "Parameter Store does not support changing a parameter type in a hierarchy. For example, you can't change a parameter from a String type to a SecureString type. You must create a new, unique parameter.",
            ));
        }
        let tier = rules::tier(Some(&self.tier), &put)?;
        if self.versions.len() >= VERSIONS {
            self.drop_oldest(&put.name)?;
        }
        self.tier.clone_from(&tier);
        let number = self.latest().map_or(1, |version| version.number + 1);
        self.push(now, number, put);
        Ok((number, tier))
    }

    fn drop_oldest(&mut self, name: &str) -> Result<(), AwsError> {
        let oldest = self.versions.front();
        if let Some(version) = oldest.filter(|version| !version.labels.is_empty()) {
            return Err(AwsError::new(
                "ParameterMaxVersionLimitExceeded",
                format!(
                    "You attempted to create a new version of {name} by calling the PutParameter API with the overwrite flag. Version {}, the oldest version, can't be deleted because it has a label associated with it. Move the label to another version of the parameter, and try again.",
                    version.number
                ),
            ));
        }
        self.versions.pop_front();
        Ok(())
    }

    fn push(&mut self, now: Timestamp, number: i64, put: Put) {
        self.versions.push_back(Version {
            number,
            value: put.value.into(),
            description: put.description,
            modified: now,
            labels: BTreeSet::new(),
        });
    }

    fn select(&self, selector: &str) -> Option<&Version> {
        match selector.parse::<i64>() {
            Ok(number) => self.versions.iter().find(|version| version.number == number),
            Err(_) => self.versions.iter().find(|version| version.labels.contains(selector)),
        }
    }
}

fn not_found(name: &str) -> AwsError {
    AwsError::new("ParameterNotFound", format!("Parameter {name} not found."))
}

fn version_not_found(name: &str, selector: &str) -> AwsError {
    AwsError::new(
        "ParameterVersionNotFound",
        format!(
            "Systems Manager could not find version {selector} of {name}. Verify the version and try again."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(name: &str, value: &str) -> Put {
        Put { name: name.into(), value: value.into(), kind: Some("String".into()), ..Put::default() }
    }

    fn again(name: &str, value: &str) -> Put {
        Put { overwrite: true, kind: None, ..put(name, value) }
    }

    fn code<T: std::fmt::Debug>(outcome: Result<T, AwsError>) -> String {
        outcome.expect_err("an error").code
    }

    #[test]
    fn what_aws_refuses() {
        let mut parameters = Parameters::default();
        let now = Timestamp::UNIX_EPOCH;
        parameters.put(now, put("a", "1")).expect("created");
        let tags = BTreeMap::from([("k".to_owned(), "v".to_owned())]);
        let cases = [
            (put("a", "2"), "ParameterAlreadyExists"),
            (put("awsome", "2"), "ValidationException"),
            (put("b c", "2"), "ValidationException"),
            (put("b/c", "2"), "ValidationException"),
            (put(&"/x".repeat(16), "2"), "HierarchyLevelLimitExceededException"),
            (put("b", ""), "ValidationException"),
            (put("b", "a {{b}}"), "ValidationException"),
            (put("b", &"x".repeat(4097)), "ValidationException"),
            (Put { kind: None, ..put("b", "2") }, "ValidationException"),
            (Put { tags, ..again("a", "2") }, "ValidationException"),
            (Put { kind: Some("SecureString".into()), ..again("a", "2") }, "HierarchyTypeMismatchException"),
        ];
        for (put, expected) in cases {
            let what = format!("{put:?}");
            assert_eq!(code(parameters.put(now, put)), expected, "{what}");
        }
    }

    #[test]
    fn a_label_protects_the_oldest_of_a_hundred_versions() {
        let mut parameters = Parameters::default();
        let now = Timestamp::UNIX_EPOCH;
        parameters.put(now, put("a", "1")).expect("created");
        parameters.label("a", Some(1), &["stable".into(), "1no".into()]).expect("labelled");
        for _ in 1..VERSIONS {
            parameters.put(now, again("a", "1")).expect("written");
        }
        assert_eq!(code(parameters.put(now, again("a", "x"))), "ParameterMaxVersionLimitExceeded");
        assert_eq!(parameters.get("a:stable").expect("found").version.number, 1);
        parameters.label("a", None, &["stable".into()]).expect("moved");
        assert_eq!(parameters.put(now, again("a", "x")).expect("written").0, 101);
        assert_eq!(code(parameters.get("a:1").map(|_| ())), "ParameterVersionNotFound");
        assert_eq!(&*parameters.get("a").expect("found").version.value, "x");
    }

    #[test]
    fn an_advanced_parameter_never_becomes_standard() {
        let mut parameters = Parameters::default();
        let now = Timestamp::UNIX_EPOCH;
        let advanced = Put { tier: Some("Advanced".into()), ..put("a", "1") };
        parameters.put(now, advanced).expect("created");
        assert_eq!(parameters.put(now, again("a", "2")).expect("written").1, "Advanced");
        let back = Put { tier: Some("Standard".into()), ..again("a", "3") };
        assert_eq!(code(parameters.put(now, back)), "ValidationException");
    }
}
