//! The fault matrix over the shipped programs: every fault that the simulator can script, in every situation of a client.
//!
//! What is expected stands in `FAULTS.md` beside the package's manifest, for people to read. It is made from a run
//! (`FAULTS_WRITE=1 cargo test -p amtd-e2e --test faults`), and every other run is compared with it cell by cell. With
//! `FAULTS_ONLY=text` only the rows whose name contains the text are played.
//!
//! What holds in every cell whatever is written is in [`cell::play`]. A cell that fails or differs is played a second time, and counts
//! if it does so again.

#![forbid(unsafe_code)]

mod catalogue;
mod cell;
mod client;
mod deadlines;
mod heartbeat;
mod secure;
mod table;

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::slice;
use std::sync::Mutex;
use std::thread;

use catalogue::{Fault, NO_FAULTS, faults, scriptable};
use cell::Cell;
use client::Situation;
use table::Row;

/// Cells that are played at the same time: they spend most of it waiting for deadlines.
const PLAYERS: usize = 9;

#[test]
fn every_fault_that_can_be_scripted_has_a_row() {
    let known: BTreeSet<&str> = scriptable().iter().copied().collect();
    let faults = faults();
    let actions = faults.iter().flat_map(|fault| &fault.steps).filter_map(|step| step["do"].as_str());
    let met: BTreeSet<&str> = actions.chain(NO_FAULTS).collect();
    let missing: Vec<_> = known.difference(&met).collect();
    assert!(missing.is_empty(), "no row of the matrix has {missing:?}");
    let unknown: Vec<_> = met.difference(&known).collect();
    assert!(unknown.is_empty(), "the simulator does not know {unknown:?}");
    let names: BTreeSet<_> = faults.iter().map(|fault| fault.name).collect();
    assert_eq!(names.len(), faults.len(), "two rows have the same name");
}

#[test]
fn every_cell_is_as_written() {
    let only = std::env::var("FAULTS_ONLY").ok();
    let faults: Vec<_> = faults()
        .into_iter()
        .filter(|fault| only.as_ref().is_none_or(|text| fault.name.contains(text.as_str())))
        .collect();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("FAULTS.md");
    let mut rows = play(&faults);
    if std::env::var_os("FAULTS_WRITE").is_some() {
        assert!(only.is_none(), "FAULTS.md is written as a whole or not at all");
        std::fs::write(&path, table::render(&rows)).unwrap();
        return;
    }
    let written = std::fs::read_to_string(&path).unwrap();
    let compare = |rows: &[Row<'_>]| table::differences(&written, &table::render(rows), only.is_some());
    let first = compare(&rows);
    // A machine that stands still for seconds lets deadlines pass that should not: what is meant differs again.
    for row in &mut rows {
        let place = format!(" / {} / ", row.0.name);
        if first.iter().any(|difference| difference.contains(&place)) {
            *row = play(slice::from_ref(row.0)).remove(0);
        }
    }
    let differences = compare(&rows);
    assert!(
        differences.is_empty(),
        "{} cells are not as in FAULTS.md:\n{}\nIf all of them are meant: FAULTS_WRITE=1 cargo test -p amtd-e2e --test faults",
        differences.len(),
        differences.join("\n")
    );
}

/// Plays every cell of these rows, and those that fail once more, one after the other.
fn play(faults: &[Fault]) -> Vec<Row<'_>> {
    let columns = Situation::ALL.len();
    let one = |place: usize| {
        let (fault, situation) = (&faults[place / columns], Situation::ALL[place % columns]);
        catch_unwind(AssertUnwindSafe(|| cell::play(fault, situation)))
            .map_err(|panic| format!("{} / {}: {}", fault.name, situation.name(), message(&*panic)))
    };
    let open = Mutex::new((0..faults.len() * columns).rev().collect::<Vec<_>>());
    let next = || open.lock().unwrap().pop();
    let done = Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        for _ in 0..PLAYERS {
            scope.spawn(|| {
                while let Some(place) = next() {
                    let outcome = one(place);
                    done.lock().unwrap().insert(place, outcome);
                }
            });
        }
    });
    let done = done.into_inner().unwrap();
    let again = done.into_iter().map(|(place, outcome)| outcome.or_else(|_| one(place)));
    let (cells, failures): (Vec<_>, Vec<_>) = again.partition(Result::is_ok);
    let failures: Vec<String> = failures.into_iter().filter_map(Result::err).collect();
    assert!(failures.is_empty(), "{} cells failed:\n{}", failures.len(), failures.join("\n\n"));
    let cells: Vec<Cell> = cells.into_iter().flatten().collect();
    faults.iter().zip(cells.chunks(columns).map(<[Cell]>::to_vec)).collect()
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without words")
}
