//! nodes

/// nodes
#[derive(Clone, Debug, Default)]
pub struct Nodes;

/// What will happen.
#[derive(Clone, Debug)]
pub enum Due {}

pub(super) fn happen(_world: &mut super::World, _place: &super::Place, due: Due) {
    match due {}
}

/// An instance started, stopped, terminated, or its profile changed.
pub(super) fn instance_changed(_world: &mut super::World, _place: &super::Place, _instance_id: &str) {}
