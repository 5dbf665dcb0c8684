//! The store across losses of power, and what it does with files that it cannot use.

use std::{collections::BTreeMap, time::Duration};

use super::{
    Journal,
    disk::{Disk, Survivors},
    store::{Store, StoreError},
};

type Rows = BTreeMap<u64, Vec<u8>>;

/// One write of the scripted sequence.
struct Put {
    key: u64,
    job: Vec<u8>,
    forget: &'static [u64],
}

/// New rows, replaced ones, forgotten ones, and one that is larger than a page.
fn script() -> Vec<Put> {
    let put = |key, job: &str, forget| Put { key, job: job.as_bytes().to_vec(), forget };
    vec![
        put(1, "one, queued", &[]),
        put(1, "one, begun", &[]),
        put(2, "two, queued", &[]),
        put(1, "one, ended", &[]),
        Put { key: 3, job: vec![b'x'; 20_000], forget: &[1] },
        put(2, "two, ended", &[3]),
        put(4, "four, queued", &[2, 9]),
    ]
}

fn apply(rows: &mut Rows, put: &Put) {
    rows.insert(put.key, put.job.clone());
    for key in put.forget {
        rows.remove(key);
    }
}

fn rows(store: &mut Store) -> Result<Rows, StoreError> {
    store.load().map(|rows| rows.into_iter().collect())
}

/// Runs the script until the disk fails. Returns what was acknowledged, and what would have been next.
fn run(disk: &Disk) -> (Rows, Rows) {
    let mut store = disk.store();
    let mut acknowledged = Rows::new();
    for put in script() {
        let mut next = acknowledged.clone();
        apply(&mut next, &put);
        if store.put(put.key, &put.job, put.forget).is_err() {
            return (acknowledged, next);
        }
        acknowledged = next;
    }
    (acknowledged.clone(), acknowledged)
}

#[test]
fn a_loss_of_power_at_any_write_keeps_what_was_acknowledged_and_nothing_half() {
    let whole = Disk::default();
    run(&whole);
    let operations = whole.done();
    assert!(operations > script().len() * 2, "each put writes and synchronizes: {operations}");
    for survivors in Survivors::ALL {
        for point in 0..=operations {
            let disk = Disk::default();
            disk.fail_after(point);
            let (acknowledged, next) = run(&disk);
            let found = rows(&mut disk.after_power_loss(survivors).store())
                .unwrap_or_else(|error| panic!("at {point} with {survivors:?}: {error}"));
            assert!(
                found == acknowledged || found == next,
                "at {point} with {survivors:?}: {:?}",
                found.keys()
            );
        }
    }
}

#[test]
fn a_disk_that_has_room_again_is_used_again_without_a_restart() {
    let disk = Disk::default();
    let mut store = disk.store();
    store.put(1, b"before", &[]).unwrap();
    for point in 0..20 {
        disk.fail_after(point);
        let refused = store.put(2, b"refused", &[]);
        disk.heal();
        let found = rows(&mut store).unwrap();
        assert_eq!(found.get(&1).map(Vec::as_slice), Some(b"before".as_slice()));
        assert!(refused.is_err() || found.contains_key(&2), "what was acknowledged is there");
        store.put(3, b"after", &[2]).unwrap();
    }
    assert_eq!(rows(&mut store).unwrap().into_keys().collect::<Vec<_>>(), [1, 3]);
}

#[test]
fn jobs_outlive_the_store_in_a_file_that_only_the_daemon_may_read() {
    use std::os::unix::fs::PermissionsExt;

    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("jobs.redb");
    assert!(rows(&mut Store::at(&file)).unwrap().is_empty());
    Store::at(&file).put(7, b"seven", &[]).unwrap();
    assert_eq!(rows(&mut Store::at(&file)).unwrap().into_keys().collect::<Vec<_>>(), [7]);
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_loss_of_power_while_the_file_was_made_is_made_good() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("jobs.new"), vec![1; 1 << 21]).unwrap();
    let file = directory.path().join("jobs.redb");
    Store::at(&file).put(7, b"seven", &[]).unwrap();
    assert_eq!(rows(&mut Store::at(&file)).unwrap().len(), 1);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn a_damaged_file_is_an_error_with_its_name_and_stays_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("jobs.redb");
    for damage in [b"not a database at all".to_vec(), vec![0xff; 9000], vec![0; 4096]] {
        std::fs::write(&file, &damage).unwrap();
        let mut store = Store::at(&file);
        match store.load() {
            Err(error) => assert!(error.to_string().starts_with(file.to_str().unwrap()), "{error}"),
            // An empty beginning is taken for a file that was never filled.
            Ok(rows) => assert!(rows.is_empty() && damage[0] == 0),
        }
    }
}

#[test]
fn a_file_with_garbled_pages_never_invents_jobs() {
    let disk = Disk::default();
    run(&disk);
    let whole = rows(&mut disk.after_power_loss(Survivors::All).store()).unwrap();
    let length = disk.image().len();
    for place in (0..length).step_by(509) {
        let garbled = disk.after_power_loss(Survivors::All);
        garbled.garble(place);
        let found = std::panic::catch_unwind(|| rows(&mut garbled.store()));
        // A panic inside the store is contained by the journal; an answer must be the truth.
        if let Ok(Ok(found)) = found {
            assert_eq!(found, whole, "at {place}");
        }
    }
}

#[tokio::test]
async fn a_store_that_panics_is_a_fault_that_names_its_file() {
    let journal = Journal::over(Store::over(|| panic!("as the test says")), Duration::from_secs(60));
    assert!(journal.load().await.is_err());
    assert!(journal.fault().is_some_and(|fault| fault.starts_with("memory: ")), "{:?}", journal.fault());
}

#[test]
fn a_file_of_a_newer_daemon_is_refused_and_not_written_to() {
    let disk = Disk::default();
    let database = super::store::open_backend(disk.clone()).unwrap();
    super::store::set_schema(&database, 2).unwrap();
    drop(database);
    let mut store = disk.store();
    assert!(matches!(store.load(), Err(StoreError::Schema { found: 2, .. })));
    assert!(matches!(store.put(1, b"job", &[]), Err(StoreError::Schema { found: 2, .. })));
    assert!(matches!(store.probe(), Err(StoreError::Schema { found: 2, .. })));
}

#[test]
fn two_daemons_on_one_state_directory_are_told_apart_from_a_damaged_file() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("jobs.redb");
    let (mut first, mut second) = (Store::at(&place), Store::at(&place));
    first.probe().unwrap();
    assert!(matches!(second.probe(), Err(StoreError::InUse { .. })));
    drop(first);
    second.probe().unwrap();
}
