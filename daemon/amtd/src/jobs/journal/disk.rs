//! A disk for the tests: fails when it is told to, or loses its power between any two operations and keeps of what was
//! not synchronized as much as the test says.

use std::{
    fmt, io,
    sync::{Arc, Condvar, Mutex, MutexGuard},
};

use super::store::{Store, open_backend};

/// What a loss of power leaves of the operations since the last sync.
#[derive(Debug, Clone, Copy)]
pub(in crate::jobs) enum Survivors {
    Nothing,
    All,
    /// Every other one, beginning with the first: nobody promises an order.
    Even,
    /// Every other one, beginning with the second.
    Odd,
    /// The newest alone.
    Last,
}

impl Survivors {
    pub(in crate::jobs) const ALL: [Self; 5] = [Self::Nothing, Self::All, Self::Even, Self::Odd, Self::Last];

    fn keeps(self, place: usize, count: usize) -> bool {
        match self {
            Self::Nothing => false,
            Self::All => true,
            Self::Even => place.is_multiple_of(2),
            Self::Odd => !place.is_multiple_of(2),
            Self::Last => place + 1 == count,
        }
    }
}

/// See the [module](self). Clones are the same disk.
#[derive(Clone, Default)]
pub(in crate::jobs) struct Disk(Arc<(Mutex<State>, Condvar)>);

#[derive(Default)]
struct State {
    /// What a reader sees.
    image: Vec<u8>,
    /// What is on the platter for certain.
    safe: Vec<u8>,
    pending: Vec<Operation>,
    done: usize,
    /// How many more operations work. Without it all do.
    left: Option<usize>,
    /// Operations that write do not come to an end.
    is_held: bool,
}

#[derive(Clone)]
enum Operation {
    Write(u64, Vec<u8>),
    Length(u64),
}

impl Operation {
    fn apply(&self, image: &mut Vec<u8>) {
        match self {
            Self::Write(offset, data) => {
                let (start, end) = (*offset as usize, *offset as usize + data.len());
                image.resize(image.len().max(end), 0);
                image[start..end].copy_from_slice(data);
            }
            Self::Length(length) => image.resize(*length as usize, 0),
        }
    }
}

impl Disk {
    pub(in crate::jobs) fn store(&self) -> Store {
        let disk = self.clone();
        Store::over(move || {
            disk.fill()?;
            open_backend(disk.clone())
        })
    }

    /// Puts a new store in its place when it is whole, as it is done with a file.
    fn fill(&self) -> Result<(), redb::Error> {
        if self.state().image.is_empty() {
            let aside = Self::default();
            drop(open_backend(aside.clone())?);
            let image = aside.image();
            self.write(Some(Operation::Write(0, image)))
                .and_then(|()| self.write(None))
                .map_err(redb::Error::Io)?;
        }
        Ok(())
    }

    /// The power goes after so many more operations that write; 0 is at once.
    pub(in crate::jobs) fn fail_after(&self, operations: usize) {
        self.state().left = Some(operations);
    }

    /// It works again, with what it held.
    pub(in crate::jobs) fn heal(&self) {
        self.state().left = None;
    }

    /// It takes for ever to write, from now on or no longer.
    pub(in crate::jobs) fn hold(&self, is_held: bool) {
        self.state().is_held = is_held;
        self.0.1.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().unwrap()
    }

    /// Operations that wrote, so far.
    pub(in crate::jobs) fn done(&self) -> usize {
        self.state().done
    }

    /// Everything that it holds.
    pub(in crate::jobs) fn image(&self) -> Vec<u8> {
        self.state().image.clone()
    }

    /// The disk after the power was gone.
    pub(in crate::jobs) fn after_power_loss(&self, survivors: Survivors) -> Self {
        let state = self.state();
        let mut image = state.safe.clone();
        let count = state.pending.len();
        let kept = state.pending.iter().enumerate().filter(|(place, _)| survivors.keeps(*place, count));
        kept.for_each(|(_, operation)| operation.apply(&mut image));
        let state = State { safe: image.clone(), image, ..State::default() };
        Self(Arc::new((Mutex::new(state), Condvar::new())))
    }

    /// Turns the bits of one byte.
    pub(in crate::jobs) fn garble(&self, place: usize) {
        self.state().image[place] ^= 0xff;
    }

    fn write(&self, operation: Option<Operation>) -> io::Result<()> {
        let mut state = self.0.1.wait_while(self.state(), |state| state.is_held).unwrap();
        if state.left == Some(0) {
            return Err(io::Error::from_raw_os_error(nix::errno::Errno::ENOSPC as i32));
        }
        state.left = state.left.map(|left| left - 1);
        state.done += 1;
        match operation {
            Some(operation) => {
                operation.apply(&mut state.image);
                state.pending.push(operation);
            }
            None => {
                state.pending.clear();
                state.safe = state.image.clone();
            }
        }
        Ok(())
    }
}

impl redb::StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state().image.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.state();
        let start = offset as usize;
        let bytes = state.image.get(start..start + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(bytes);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.write(Some(Operation::Length(length)))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.write(None)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        Self::write(self, Some(Operation::Write(offset, data.to_vec())))
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disk").finish_non_exhaustive()
    }
}
