//! Instructions, calls and bytes of one request inside an image: exact, and the same in every run.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow};
use testbed::Cost;

use crate::operation::Operation;
use crate::rig::{Filter, Images, Rig, SERVICE, Setting};

/// Requests of a kind that are sent before one is counted, so that what is remembered is remembered.
const WARM: usize = 4;
/// Requests that are counted mostly; the one in the middle is told.
pub(crate) const COUNTED: usize = 5;

/// What one request of a kind costs.
#[derive(Clone, Debug, serde::Serialize)]
pub(crate) struct RequestCost {
    pub(crate) operation: Operation,
    pub(crate) filter: Filter,
    /// Instructions inside the image.
    pub(crate) instructions: u64,
    /// Calls out of the image, by name.
    pub(crate) calls: BTreeMap<String, u64>,
    /// Bytes that the image allocated.
    pub(crate) allocated: u64,
    /// Instructions by place; not part of the report.
    #[serde(skip)]
    pub(crate) places: BTreeMap<u64, u64>,
}

/// Counts one kind of request.
pub(crate) fn of(
    images: &Images,
    operation: Operation,
    filter: Filter,
    setting: &Setting,
) -> Result<RequestCost> {
    of_some(images, operation, filter, setting, COUNTED)
}

/// Counts one kind of request, so many times.
pub(crate) fn of_some(
    images: &Images,
    operation: Operation,
    filter: Filter,
    setting: &Setting,
    counted: usize,
) -> Result<RequestCost> {
    let mut rig = Rig::start(images, filter, setting)?;
    introduce(&rig, setting.processes)?;
    touch(&rig)?;
    let prepared = operation.prepare(&mut rig, filter)?;
    let machine = &rig.machine;
    let cost = rig.program.run(|thread| {
        (0..WARM).try_for_each(|_| prepared.send(thread))?;
        let mut costs = Vec::new();
        for _ in 0..counted {
            let (sent, cost) = machine.cost_of(SERVICE, || prepared.send(thread));
            sent?;
            costs.push(cost);
        }
        prepared.close(thread)?;
        middle(costs)
    })?;
    rig.end()?;
    Ok(RequestCost {
        operation,
        filter,
        instructions: cost.instruction_count(),
        calls: cost.calls,
        allocated: cost.allocated,
        places: cost.instructions,
    })
}

fn middle(mut costs: Vec<Cost>) -> Result<Cost> {
    costs.sort_by_key(Cost::instruction_count);
    let at = costs.len() / 2;
    costs
        .into_iter()
        .nth(at)
        .ok_or_else(|| anyhow!("nothing was counted"))
}

/// Lets so many programs send a request, so that the driver knows them.
fn introduce(rig: &Rig, processes: usize) -> Result<()> {
    for number in 1..processes {
        let name = format!(r"\Device\HarddiskVolume3\Tools\program{number}.exe");
        let process = rig.machine.create_process(testbed::ProcessSpec::user(name));
        process.run(|thread| {
            let prepared = Operation::Clone4Kib.open(thread, rig.volume)?;
            prepared.send(thread)?;
            prepared.close(thread)
        })?;
    }
    Ok(())
}

/// Attaches the filter to every volume.
fn touch(rig: &Rig) -> Result<()> {
    for volume in &rig.others {
        rig.program.run(|thread| {
            let prepared = Operation::Clone4Kib.open(thread, *volume)?;
            prepared.send(thread)?;
            prepared.close(thread)
        })?;
    }
    Ok(())
}
