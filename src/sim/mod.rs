//! A pretend AWS.
//!
//! `sim` speaks the wire protocols that AWS speaks, so that the real AWS SDK (in process, through
//! [`connector`]) and any other AWS client (on loopback, through [`server`]) work against it. It implements
//! what Watchkeeper calls and what a person needs to build an estate and break it, but that as AWS does:
//! limits, page sizes, validation, error codes, asynchronous commands, throttling, eventual consistency.
//! An operation that it does not know is an error, never an empty success.
//!
//! - [`world`] is the estate: accounts, Regions, nodes, networks, parameters, log groups, roles. It is pure:
//!   it is told the time, its chance comes from one seed, and it never looks outside.
//! - [`wire`] turns AWS requests into calls on the world and its answers into AWS replies.
//! - [`fault`] spoils calls on purpose.
//!
//! It must not import `aws` or `model`: it is written from AWS's documented behaviour alone, so that a
//! misunderstanding in the controller shows here.

pub mod connector;
pub mod fault;
pub mod scenario;
pub mod server;
pub mod wire;
pub mod world;

use std::sync::{Arc, Mutex, MutexGuard};

use jiff::Timestamp;

use crate::clock::Clock;
use fault::{Fault, Faults};
use wire::{Request, Response};
use world::World;

/// A running pretend AWS. Cheap to clone; all clones are the same one.
#[derive(Clone, Debug)]
pub struct Sim {
    clock: Clock,
    inside: Arc<Mutex<Inside>>,
}

#[derive(Debug)]
struct Inside {
    world: World,
    faults: Faults,
}

/// What became of one call.
#[derive(Debug)]
pub enum Answer {
    /// AWS replied.
    Reply(Response),
    /// AWS may have done it, but no reply will ever come: the client has to time out.
    Silence,
    /// AWS may have done it, but the connection broke before the reply.
    Broken,
}

impl Sim {
    /// Starts `world` on `clock`, with no faults.
    pub fn new(world: World, clock: Clock) -> Self {
        Self { clock, inside: Arc::new(Mutex::new(Inside { world, faults: Faults::none() })) }
    }

    /// What time it is in the simulated world.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The clock that the simulated world runs on.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Answers one AWS call, as the wire sees it.
    pub fn call(&self, request: &Request) -> Answer {
        let now = self.now();
        let mut inside = self.lock();
        let Inside { world, faults } = &mut *inside;
        world.advance(now);
        match faults.next(wire::target(request).as_ref()) {
            Some(Fault::Refuse(error)) => Answer::Reply(wire::refuse(world, request, error)),
            Some(Fault::TimeOut { applied: false }) => Answer::Silence,
            Some(Fault::TimeOut { applied: true }) => {
                wire::answer(world, request);
                Answer::Silence
            }
            Some(Fault::LoseReply) => {
                wire::answer(world, request);
                Answer::Broken
            }
            Some(Fault::CutPage) => {
                world.cut_next_page();
                Answer::Reply(wire::answer(world, request))
            }
            None => Answer::Reply(wire::answer(world, request)),
        }
    }

    /// Looks at, or changes, the world directly, brought up to the present first. For tests, for scenarios and for `--drift`.
    pub fn world<T>(&self, look: impl FnOnce(&mut World) -> T) -> T {
        let now = self.now();
        let mut inside = self.lock();
        inside.world.advance(now);
        look(&mut inside.world)
    }

    /// Replaces the faults from here on.
    pub fn set_faults(&self, faults: Faults) {
        self.lock().faults = faults;
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        // A panic inside the world leaves nothing worth going on with; but another thread may still want to print it.
        self.inside.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
