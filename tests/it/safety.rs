//! What must hold after every single pass, whatever AWS does meanwhile.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use watchkeeper::sim::world::flow_logs::FlowLog;
use watchkeeper::sim::world::parameters::Parameter;
use watchkeeper::sim::world::{CallRecord, Place, World};

use crate::estate::Estate;
use crate::facts::{Facts, changed, facts};
use crate::witness::{commands, overlaps, repeats};

/// AWS's limit for one command.
const NODES_PER_COMMAND: usize = 50;
/// A name that no document has: a group, a parameter and a role of somebody else's.
const THEIRS: &str = "somebody-elses";
/// How long a write may not show; a new process knows nothing of what the last one wrote.
const SETTLE: SignedDuration = SignedDuration::from_secs(2);

/// Somebody who remembers how things were, and looks at them after each pass.
pub struct Watch {
    /// Machines that nobody selects.
    strangers: Vec<String>,
    /// What is nobody's, as it was after it was last broken.
    foreign: (Facts, Vec<FlowLog>),
    /// What there was before the pass in hand.
    before: Facts,
    /// How many calls had been made by then.
    calls: usize,
    /// When something was broken.
    broken: Vec<Timestamp>,
    /// When the present controller began.
    begun: Timestamp,
}

impl Watch {
    /// Begins to watch, before the first pass.
    pub fn new(estate: &Estate, strangers: Vec<String>) -> Self {
        let mut watch = Self {
            strangers,
            foreign: Default::default(),
            before: Facts::new(),
            calls: 0,
            broken: Vec::new(),
            begun: Timestamp::MIN,
        };
        watch.foreign = (watch.foreign_facts(&facts(estate)), foreign_flow_logs(estate));
        watch
    }

    /// Something was broken just now, and perhaps something foreign.
    pub fn broke(&mut self, estate: &Estate) {
        self.broken.push(estate.clock.now());
        self.foreign = (self.foreign_facts(&facts(estate)), foreign_flow_logs(estate));
    }

    /// The controller was killed, and another one began.
    pub fn restarted(&mut self, estate: &Estate) {
        self.begun = estate.clock.now();
    }

    /// A pass is about to begin.
    pub fn before_pass(&mut self, estate: &Estate) {
        self.before = facts(estate);
        self.calls = estate.sim.world(|world| world.calls().len());
    }

    /// Whatever the pass did was safe.
    pub fn assert_safe(&self, estate: &Estate) {
        let after = facts(estate);
        let touched = changed(&self.foreign.0, &self.foreign_facts(&after));
        assert!(touched.is_empty(), "somebody else's was touched: {touched:?}");
        assert_same(&self.foreign.1, &foreign_flow_logs(estate));
        self.assert_commands(estate);
        let calls = estate.sim.world(|world| world.calls()[self.calls..].to_vec());
        let deletes: Vec<&str> =
            calls.iter().map(|call| call.operation.as_str()).filter(|name| is_delete(name)).collect();
        assert!(deletes.is_empty(), "no document says that anything may be deleted: {deletes:?}");
        self.assert_writes(&calls, &after, estate);
    }

    fn assert_commands(&self, estate: &Estate) {
        let sent = commands(estate);
        assert_eq!(overlaps(&sent), Vec::<String>::new(), "two commands at once");
        assert_eq!(repeats(&sent, &self.broken), Vec::<String>::new(), "a command for a cause that was gone");
        for command in &sent {
            assert!(command.nodes.len() <= NODES_PER_COMMAND, "{} nodes in one command", command.nodes.len());
            let stranger = self.strangers.iter().find(|id| command.nodes.contains_key(*id));
            assert!(stranger.is_none(), "{stranger:?} is not selected, and got {}", command.what);
        }
    }

    /// A pass that wrote has changed something: nothing is written that is there already.
    fn assert_writes(&self, calls: &[CallRecord], after: &Facts, estate: &Estate) {
        let written: BTreeSet<&str> = calls
            .iter()
            .filter(|call| call.writes && call.error.is_none())
            .map(|call| call.operation.as_str())
            // Commands are looked at by node; an association takes a while to show.
            .filter(|name| !["SendCommand", "AssociateIamInstanceProfile"].contains(name))
            .collect();
        let is_new = estate.clock.now().duration_since(self.begun) <= SETTLE * 2;
        let is_changed = changed(&self.before, after).iter().any(|name| !name.starts_with("node/"));
        assert!(written.is_empty() || is_changed || is_new, "written, and nothing changed: {written:?}");
        assert_eq!(self.equal_versions(estate), Vec::<String>::new(), "written again with equal content");
    }

    /// The parameters into which we wrote what they had already. Those who break things may.
    fn equal_versions(&self, estate: &Estate) -> Vec<String> {
        estate.sim.world(|world| {
            let parameters = &world.region(&estate.place).parameters.parameters;
            let is_repeated = |parameter: &Parameter| {
                let pairs = parameter.versions.iter().zip(parameter.versions.iter().skip(1));
                pairs.into_iter().any(|(before, after)| {
                    before.value == after.value && !self.broken.contains(&after.modified)
                })
            };
            let repeated = parameters.iter().filter(|(_, parameter)| is_repeated(parameter));
            repeated.map(|(name, _)| name.clone()).collect()
        })
    }

    /// The facts of what is nobody's.
    fn foreign_facts(&self, facts: &Facts) -> Facts {
        let is_foreign = |name: &str| {
            let (kind, id) = name.split_once('/').unwrap_or((name, ""));
            id == THEIRS || (kind == "node" && self.strangers.iter().any(|stranger| stranger == id))
        };
        facts
            .iter()
            .filter(|(name, _)| is_foreign(name))
            .map(|(name, fact)| (name.clone(), fact.clone()))
            .collect()
    }
}

/// The only things that these estates' documents ever let go are superseded flow logs of ours.
fn is_delete(operation: &str) -> bool {
    let takes_away = ["Delete", "Remove", "Detach", "Disassociate", "Terminate", "Stop", "Untag", "Unlabel"];
    takes_away.iter().any(|word| operation.starts_with(word)) && operation != "DeleteFlowLogs"
}

fn foreign_flow_logs(estate: &Estate) -> Vec<FlowLog> {
    estate.sim.world(|world| {
        let logs = world.region(&estate.place).flow_logs.living();
        logs.filter(|log| !log.tags.contains_key("watchkeeper:owner")).cloned().collect()
    })
}

fn assert_same(was: &[FlowLog], is: &[FlowLog]) {
    assert_eq!(was.len(), is.len(), "a foreign flow log is gone, or one of ours lost its tags");
    for (was, is) in was.iter().zip(is) {
        let is_same = was.id == is.id && was.config == is.config && was.tags == is.tags;
        assert!(is_same, "a foreign flow log was touched: {was:?}, now {is:?}");
    }
}

/// Gives somebody else a group, a parameter and a role.
pub fn make_theirs(world: &mut World, place: &Place) {
    use watchkeeper::sim::world::parameters::Put;
    use watchkeeper::sim::world::roles::{NewRole, create_role};
    const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    let now = world.now();
    world.region(place).log_groups.create(now, THEIRS);
    let put = Put {
        name: THEIRS.to_owned(),
        value: "{}".to_owned(),
        kind: Some("String".to_owned()),
        ..Put::default()
    };
    world.region(place).parameters.put(now, put).expect("a parameter");
    let role = NewRole {
        name: THEIRS.to_owned(),
        path: None,
        trust: TRUST.to_owned(),
        description: None,
        max_session: None,
        boundary: None,
        tags: Default::default(),
    };
    create_role(world, place, role).expect("a role");
}
