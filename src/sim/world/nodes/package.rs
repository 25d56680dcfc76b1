//! AWS-ConfigureAWSPackage on a node: the CloudWatch agent's package, installed and taken off.

use std::collections::BTreeMap;

use super::agent;
use super::ctl::Ran;
use crate::sim::world::{Place, World};

/// The package that this world has.
pub const PACKAGE: &str = "AmazonCloudWatchAgent";
const ARN: &str = "arn:aws:ssm:::package/AmazonCloudWatchAgent";

/// Installs or uninstalls, as the document's parameters say.
pub fn configure(world: &mut World, place: &Place, id: &str, parameters: &BTreeMap<String, String>) -> Ran {
    let parameter = |name: &str| parameters.get(name).map_or("", String::as_str);
    let name = parameter("name");
    if name != PACKAGE && name != ARN {
        return failed(format!(
            "failed to download manifest - failed to retrieve package document {name}: InvalidDocument"
        ));
    }
    let versions = &world.region(place).documents.package_versions;
    let wanted = match parameter("version") {
        "" | "latest" => versions.last().cloned(),
        version => versions.iter().find(|known| *known == version).cloned(),
    };
    match (parameter("action"), wanted) {
        ("Uninstall", _) => uninstall(world, place, id),
        (_, Some(version)) => install(world, place, id, &version),
        (_, None) => failed(format!(
            "failed to download manifest - failed to retrieve package document: version {} not found",
            parameter("version")
        )),
    }
}

fn install(world: &mut World, place: &Place, id: &str, version: &str) -> Ran {
    let draw = world.rng.f64();
    let Some(node) = world.region(place).nodes.nodes.get(id) else { return Ran::bad("") };
    if node.agent.package.as_deref() == Some(version) && node.agent.version.is_some() {
        return Ran::good(format!(
            "Initiating {ARN} {version} install\n{ARN} {version} is already installed\n"
        ));
    }
    if draw < node.disposition.fails_install {
        let back = node.agent.package.as_ref();
        let rolled = back.map(|old| format!(", successfully rolled back to {ARN} {old}")).unwrap_or_default();
        return failed(format!(
            "install output: Running sh install.sh\nFailed to install package; install status Failed\nFailed to install {ARN} {version}{rolled}"
        ));
    }
    agent::install(world, place, id, version, false);
    Ran::good(format!(
        "Initiating {ARN} {version} install\nPlugin aws:runShellScript ResultStatus Success\ninstall output: Running sh install.sh\nSuccessfully installed {ARN} {version}\n"
    ))
}

fn uninstall(world: &mut World, place: &Place, id: &str) -> Ran {
    let Some(node) = world.region(place).nodes.nodes.get(id) else { return Ran::bad("") };
    let Some(version) = node.agent.package.clone() else {
        return Ran::good(format!("{ARN} is not installed\n"));
    };
    agent::uninstall(world, place, id);
    Ran::good(format!("Initiating {ARN} {version} uninstall\nSuccessfully uninstalled {ARN} {version}\n"))
}

/// What a second command says while another holds the package's lock.
pub(in crate::sim::world) fn locked() -> Ran {
    failed(format!("Package {ARN} is already in the process of action Install"))
}

fn failed(why: String) -> Ran {
    Ran { code: 1, stderr: format!("{why}\n"), ..Ran::default() }
}
