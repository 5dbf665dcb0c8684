//! The journal's store: one small file, written in transactions. Everything here blocks, on locks and on the disk; it
//! is called on blocking threads only, by the [`journal`](super).
//!
//! After an error the file is closed and opened anew at the next use, with the store's own repair: a disk that has
//! room again needs no restart of the daemon.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, TableError};

/// Version of the layout of keys and values. A file of another version is refused, not guessed at.
const SCHEMA: u64 = 1;
/// Facts about the file.
const META: TableDefinition<'static, &str, u64> = TableDefinition::new("meta");
/// The jobs by name, each a JSON object.
const JOBS: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("jobs");
/// The key of [`SCHEMA`] in [`META`].
const SCHEMA_KEY: &str = "schema";
/// Bytes of the file kept in memory. A job has a few kilobytes and is read once, at the start.
const CACHE: usize = 64 * 1024;

/// Opens what the store is in.
type Open = Box<dyn FnMut() -> Result<Database, redb::Error> + Send>;

/// See the [module](self).
pub(in crate::jobs) struct Store {
    place: PathBuf,
    open: Open,
    database: Option<Database>,
}

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
pub(in crate::jobs) enum StoreError {
    #[error("{}: {error}", place.display())]
    Database { place: PathBuf, error: Box<redb::Error> },
    #[error("{}: another amtd uses it; stop that one, or name another directory with --state-dir", place.display())]
    InUse { place: PathBuf },
    #[error("{}: its layout has version {found}, this daemon knows {SCHEMA}", place.display())]
    Schema { place: PathBuf, found: u64 },
}

impl Store {
    /// A store in this file, which is made when it is first used.
    pub(in crate::jobs) fn at(place: &Path) -> Self {
        let file = place.to_owned();
        Self { place: place.to_owned(), open: Box::new(move || open_file(&file)), database: None }
    }

    /// A store in something else.
    #[cfg(test)]
    pub(in crate::jobs) fn over(
        open: impl FnMut() -> Result<Database, redb::Error> + Send + 'static,
    ) -> Self {
        Self { place: "memory".into(), open: Box::new(open), database: None }
    }

    /// Where it is, for people.
    pub(in crate::jobs) fn place(&self) -> &Path {
        &self.place
    }

    /// Every job, oldest first, after checking that every page is as it was written.
    pub(in crate::jobs) fn load(&mut self) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        self.with(|database| {
            database.check_integrity()?;
            let reading = database.begin_read()?;
            match reading.open_table(META) {
                Ok(meta) => check(meta.get(SCHEMA_KEY)?.map(|version| version.value()))?,
                Err(TableError::TableDoesNotExist(_)) => {}
                Err(error) => return Err(error.into()),
            }
            match reading.open_table(JOBS) {
                Ok(jobs) => {
                    let rows =
                        jobs.iter()?.map(|row| row.map(|(key, job)| (key.value(), job.value().to_vec())));
                    Ok(rows.collect::<Result<_, _>>()?)
                }
                Err(TableError::TableDoesNotExist(_)) => Ok(Vec::new()),
                Err(error) => Err(error.into()),
            }
        })
    }

    /// Writes a job and forgets others, in one transaction that is on the disk when this returns.
    pub(in crate::jobs) fn put(&mut self, key: u64, job: &[u8], forget: &[u64]) -> Result<(), StoreError> {
        self.with(|database| {
            let writing = database.begin_write()?;
            {
                let mut meta = writing.open_table(META)?;
                let version = meta.get(SCHEMA_KEY)?.map(|version| version.value());
                check(version)?;
                if version.is_none() {
                    meta.insert(SCHEMA_KEY, SCHEMA)?;
                }
                let mut jobs = writing.open_table(JOBS)?;
                jobs.insert(key, job)?;
                for key in forget {
                    jobs.remove(key)?;
                }
            }
            Ok(writing.commit()?)
        })
    }

    /// Writes something that is there already, to see whether writing works.
    pub(in crate::jobs) fn probe(&mut self) -> Result<(), StoreError> {
        self.with(|database| {
            let writing = database.begin_write()?;
            {
                let mut meta = writing.open_table(META)?;
                check(meta.get(SCHEMA_KEY)?.map(|version| version.value()))?;
                meta.insert(SCHEMA_KEY, SCHEMA)?;
            }
            Ok(writing.commit()?)
        })
    }

    /// Works on the open database. Where that fails, or panics, it is left closed.
    fn with<T>(&mut self, work: impl FnOnce(&mut Database) -> Result<T, Fault>) -> Result<T, StoreError> {
        let place = self.place.clone();
        let outcome = match self.database.take().map_or_else(|| (self.open)(), Ok) {
            Ok(mut database) => work(&mut database).inspect(|_| self.database = Some(database)),
            Err(error) => Err(error.into()),
        };
        outcome.map_err(|fault| match fault {
            Fault::Database(redb::Error::DatabaseAlreadyOpen) => StoreError::InUse { place },
            Fault::Database(error) => StoreError::Database { place, error: Box::new(error) },
            Fault::Schema(found) => StoreError::Schema { place, found },
        })
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("place", &self.place).finish_non_exhaustive()
    }
}

/// What went wrong, before its place is told.
enum Fault {
    Database(redb::Error),
    Schema(u64),
}

impl<E: Into<redb::Error>> From<E> for Fault {
    fn from(error: E) -> Self {
        Self::Database(error.into())
    }
}

/// A file without a version is new.
fn check(version: Option<u64>) -> Result<(), Fault> {
    match version {
        None | Some(SCHEMA) => Ok(()),
        Some(found) => Err(Fault::Schema(found)),
    }
}

fn open_file(place: &Path) -> Result<Database, redb::Error> {
    if !place.try_exists().map_err(redb::Error::Io)? {
        make_file(place)?;
    }
    let file = OpenOptions::new().read(true).write(true).open(place).map_err(redb::Error::Io)?;
    Ok(redb::Builder::new().set_cache_size(CACHE).create_file(file)?)
}

/// Makes the file aside and puts it in its place when it is whole: the store does not recognize a file whose making was
/// cut short by a loss of power. Only the daemon's user may read it.
fn make_file(place: &Path) -> Result<(), redb::Error> {
    let aside = place.with_extension("new");
    let made = OpenOptions::new().read(true).write(true).create(true).truncate(true).mode(0o600).open(&aside);
    drop(redb::Builder::new().set_cache_size(CACHE).create_file(made.map_err(redb::Error::Io)?)?);
    fs::rename(&aside, place).and_then(|()| sync_directory(place)).map_err(redb::Error::Io)
}

/// A new name is there after a loss of power only if its directory was written, too.
fn sync_directory(place: &Path) -> io::Result<()> {
    place.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
}

/// As a daemon with another layout would.
#[cfg(test)]
pub(in crate::jobs) fn set_schema(database: &Database, version: u64) -> Result<(), redb::Error> {
    let writing = database.begin_write()?;
    writing.open_table(META)?.insert(SCHEMA_KEY, version)?;
    Ok(writing.commit()?)
}

/// Opens a database in something else than a file.
#[cfg(test)]
pub(in crate::jobs) fn open_backend(backend: impl redb::StorageBackend) -> Result<Database, redb::Error> {
    redb::Builder::new().set_cache_size(CACHE).create_with_backend(backend).map_err(redb::DatabaseError::into)
}
