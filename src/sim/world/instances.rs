//! instances

/// instances
#[derive(Clone, Debug, Default)]
pub struct Instances;

/// What will happen.
#[derive(Clone, Debug)]
pub enum Due {}

pub(super) fn happen(_world: &mut super::World, _place: &super::Place, due: Due) {
    match due {}
}
