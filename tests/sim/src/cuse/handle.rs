//! One open of the node: what the MEI driver keeps for a file, and what it answers (mei 2 to 6).
//!
//! Two hold it: `node`, which passes on what programs ask for, and the firmware's end, a [`NodePort`]. It waits for nobody: a
//! request that cannot be answered yet is kept with its number, and answers pile up in `answers` until `node` sends them.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::wire::{self, Answer, Watch};
use crate::faults::{EBUSY, EINVAL, ENODEV, ENOTTY};
use crate::mei::{Packet, Received};

/// Messages that the driver takes from a program before firmware takes them (mei 5.1).
const QUEUE: usize = 50;
/// How long the driver lets firmware think about a connect: between 4 s and 6 s (mei 2.3).
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

const CONNECT: u32 = 0xC010_4801;
const NOTIFY_SET: u32 = 0x4004_4802;
const NOTIFY_GET: u32 = 0x8004_4803;
const CONNECT_VTAG: u32 = 0xC014_4804;

/// `O_NONBLOCK` among a file's flags.
const NONBLOCK: u32 = 0o4000;

const POLL_IN: u32 = 0x0001 | 0x0040;
const POLL_OUT: u32 = 0x0004 | 0x0100;
const POLL_ERR: u32 = 0x0008;

const EINTR: i32 = 4;
const EIO: i32 = 5;
const EAGAIN: i32 = 11;
const EFAULT: i32 = 14;
const EFBIG: i32 = 27;

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Handle {
    /// Whether the file was opened so that calls do not wait. Ioctls do not say it anew, as reads and writes do.
    nonblocking: bool,
    state: State,
    /// Whether the device is not ENABLED.
    down: bool,
    /// What the firmware's end takes next: the CONNECT, or messages.
    queue: VecDeque<Vec<u8>>,
    /// The message that a program has not read, or not to its end.
    unread: Option<Unread>,
    /// Whether firmware may send a message (mei 4).
    credit: bool,
    readers: VecDeque<Reader>,
    writers: VecDeque<Writer>,
    /// Those who wait for an event of firmware's. None ever comes.
    listeners: Vec<u64>,
    /// By what the kernel knows the poll that was made while the file was connected.
    watch: Option<u64>,
    closing: Closing,
    /// Whether the firmware's end still exists.
    attached: bool,
    answers: VecDeque<Answer>,
}

#[derive(Debug)]
enum State {
    Fresh,
    Connecting {
        unique: u64,
        argument: Vec<u8>,
        until: Instant,
    },
    Connected {
        max_message: usize,
    },
    /// It was connected once and will never be again (mei 6.2).
    Gone,
}

/// How far the last close has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Closing {
    /// The file is open.
    No,
    /// To be answered when firmware has let go.
    Asked(u64),
    Answered,
}

#[derive(Debug)]
struct Unread {
    message: Vec<u8>,
    taken: usize,
}

#[derive(Debug)]
struct Reader {
    unique: u64,
    size: usize,
}

#[derive(Debug)]
struct Writer {
    unique: u64,
    message: Vec<u8>,
}

impl Handle {
    pub(super) fn new(flags: u32) -> Self {
        Self {
            nonblocking: flags & NONBLOCK != 0,
            state: State::Fresh,
            down: false,
            queue: VecDeque::new(),
            unread: None,
            credit: false,
            readers: VecDeque::new(),
            writers: VecDeque::new(),
            listeners: Vec::new(),
            watch: None,
            closing: Closing::No,
            attached: true,
            answers: VecDeque::new(),
        }
    }

    // ---- what programs ask for ----

    pub(super) fn ioctl(&mut self, unique: u64, command: u32, argument: &[u8], now: Instant) {
        let outcome = match command {
            CONNECT | CONNECT_VTAG => self.connect(unique, argument, now),
            NOTIFY_SET => self.notify_set(argument),
            NOTIFY_GET => self.notify_get(unique),
            _ => Err(ENOTTY),
        };
        if let Err(errno) = outcome {
            self.answers.push_back(wire::failed(unique, errno));
        }
    }

    /// The order of checks is the driver's (mei 2.3); what comes after them is the firmware's to say.
    fn connect(&mut self, unique: u64, argument: &[u8], now: Instant) -> Result<(), i32> {
        let (guid, vtag) = match *argument {
            [ref guid @ .., vtag, _, _, _] if guid.len() == 16 => (guid, Some(vtag)),
            ref guid if guid.len() == 16 => (guid, None),
            _ => return Err(EFAULT),
        };
        match self.state {
            _ if self.down => return Err(ENODEV),
            State::Gone => return Err(ENODEV),
            State::Connecting { .. } | State::Connected { .. } => return Err(EBUSY),
            State::Fresh if vtag == Some(0) => return Err(EINVAL),
            State::Fresh => {}
        }
        let request = [&[1, 0, 0, 0], guid, &[vtag.unwrap_or(0), 0, 0, 0]].concat();
        self.queue.push_back(request);
        self.state = State::Connecting { unique, argument: argument.to_vec(), until: now + CONNECT_LIMIT };
        Ok(())
    }

    /// Firmware without events refuses to be asked for them (mei 2.5).
    fn notify_set(&mut self, _argument: &[u8]) -> Result<(), i32> {
        self.check_connected()?;
        Err(EINVAL)
    }

    fn notify_get(&mut self, unique: u64) -> Result<(), i32> {
        self.check_connected()?;
        if self.nonblocking {
            return Err(EAGAIN);
        }
        self.listeners.push(unique);
        Ok(())
    }

    pub(super) fn read(&mut self, unique: u64, size: usize, flags: u32) {
        if self.down {
            return self.answers.push_back(wire::failed(unique, ENODEV));
        }
        if self.unread.is_some() {
            return self.deliver(&Reader { unique, size });
        }
        if let Err(errno) = self.check_connected() {
            return self.answers.push_back(wire::failed(unique, errno));
        }
        self.credit = true;
        if flags & NONBLOCK != 0 {
            self.answers.push_back(wire::failed(unique, EAGAIN));
        } else {
            self.readers.push_back(Reader { unique, size });
        }
    }

    /// Gives a reader as much of the message as it asked for; the rest stays (mei 4).
    fn deliver(&mut self, reader: &Reader) {
        let Some(mut unread) = self.unread.take() else { return };
        let rest = &unread.message[unread.taken..];
        let part = &rest[..rest.len().min(reader.size)];
        self.answers.push_back(wire::data(reader.unique, part));
        if part.len() < rest.len() {
            unread.taken += part.len();
            self.unread = Some(unread);
        }
    }

    pub(super) fn write(&mut self, unique: u64, message: &[u8], flags: u32) {
        match self.take_write(message, flags) {
            Ok(true) => self.answers.push_back(wire::written(unique, message.len())),
            Ok(false) => self.writers.push_back(Writer { unique, message: message.to_vec() }),
            Err(errno) => self.answers.push_back(wire::failed(unique, errno)),
        }
    }

    /// Whether the message went into the queue; if not, the writer waits.
    fn take_write(&mut self, message: &[u8], flags: u32) -> Result<bool, i32> {
        self.check_connected()?;
        if let State::Connected { max_message } = self.state
            && message.len() > max_message
        {
            return Err(EFBIG);
        }
        let room = self.queue.len() < QUEUE;
        if room {
            self.queue.push_back(message.to_vec());
        }
        if !room && flags & NONBLOCK != 0 { Err(EAGAIN) } else { Ok(room) }
    }

    /// A poll for input that finds none gives firmware leave to send (mei 4).
    pub(super) fn poll(&mut self, unique: u64, watch: Watch, events: u32) {
        let mut ready = POLL_ERR;
        if self.check_connected().is_ok() {
            if watch.wake {
                self.watch = Some(watch.key);
            }
            let input = if self.unread.is_some() { POLL_IN } else { 0 };
            let output = if self.queue.len() < QUEUE { POLL_OUT } else { 0 };
            self.credit |= events & POLL_IN != 0 && self.unread.is_none();
            ready = (input | output) & events;
        }
        self.answers.push_back(wire::polled(unique, ready));
    }

    /// A signal ends a read, a write and the wait for an event. It does not end a connect (mei 2.3).
    pub(super) fn interrupt(&mut self, unique: u64) {
        let before = self.readers.len() + self.writers.len() + self.listeners.len();
        self.readers.retain(|reader| reader.unique != unique);
        self.writers.retain(|writer| writer.unique != unique);
        self.listeners.retain(|listener| *listener != unique);
        if self.readers.len() + self.writers.len() + self.listeners.len() < before {
            self.answers.push_back(wire::failed(unique, EINTR));
        }
    }

    /// The last close. It is answered when firmware has let go, so that the client is free afterwards.
    pub(super) fn release(&mut self, unique: u64) {
        self.state = State::Gone;
        self.queue.clear();
        self.closing = Closing::Asked(unique);
        self.finish_close();
    }

    // ---- what `node` asks for ----

    /// The device has left, or come back to, the state ENABLED.
    pub(super) fn set_down(&mut self, down: bool) {
        if down && !self.down {
            self.down = true;
            self.fail_waiting();
            self.wake();
        }
        self.down = down;
    }

    /// When firmware has thought about a connect for long enough.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Connecting { until, .. } => Some(until),
            _ => None,
        }
    }

    pub(super) fn tick(&mut self, now: Instant) {
        if let State::Connecting { unique, until, .. } = self.state
            && until <= now
        {
            self.state = State::Fresh;
            self.answers.push_back(wire::failed(unique, EFAULT));
        }
    }

    pub(super) fn next_answer(&mut self) -> Option<Answer> {
        self.answers.pop_front()
    }

    /// Whether nobody needs it any more.
    pub(super) fn is_over(&self) -> bool {
        self.closing == Closing::Answered && self.answers.is_empty()
    }

    // ---- the firmware's end ----

    fn take(&mut self, buffer: &mut [u8]) -> Option<Received> {
        if self.closing != Closing::No {
            return Some(Received::Closed);
        }
        let was_full = self.queue.len() >= QUEUE;
        let message = self.queue.pop_front()?;
        if let Some(writer) = self.writers.pop_front() {
            self.answers.push_back(wire::written(writer.unique, writer.message.len()));
            self.queue.push_back(writer.message);
        } else if was_full {
            self.wake();
        }
        buffer[..message.len()].copy_from_slice(&message);
        Some(Received::Message(message.len()))
    }

    /// Takes a message of firmware's, if it may send one.
    fn put(&mut self, message: &[u8]) -> bool {
        if matches!(self.state, State::Connecting { .. }) {
            self.conclude_connect(message);
            return true;
        }
        let may_send = self.credit && self.unread.is_none();
        if may_send {
            self.credit = false;
            self.unread = Some(Unread { message: message.to_vec(), taken: 0 });
            match self.readers.pop_front() {
                Some(reader) => self.deliver(&reader),
                None => self.wake(),
            }
            // A reader with a short buffer leaves a rest, others a place for the next message.
            self.credit |= !self.readers.is_empty() && self.unread.is_none();
        }
        may_send
    }

    /// The reply of the virtual device, 12 bytes, becomes the ioctl's: the first 5 bytes of the argument are overwritten, the rest
    /// still holds the GUID (mei 2.2).
    fn conclude_connect(&mut self, reply: &[u8]) {
        let State::Connecting { unique, mut argument, .. } = std::mem::replace(&mut self.state, State::Fresh)
        else {
            return;
        };
        let answer = match *reply {
            [0, 0, 0, 0, m0, m1, m2, m3, version, _, _, _] => {
                let max_message = u32::from_le_bytes([m0, m1, m2, m3]) as usize;
                self.state = State::Connected { max_message };
                argument[..5].copy_from_slice(&[m0, m1, m2, m3, version]);
                wire::controlled(unique, &argument)
            }
            [s0, s1, s2, s3, ..] if reply.len() == 12 => {
                wire::failed(unique, i32::from_le_bytes([s0, s1, s2, s3]))
            }
            // The driver has no such answer; a script asked for it.
            _ => wire::failed(unique, EIO),
        };
        self.answers.push_back(answer);
    }

    /// The firmware's end is gone: it was told to close, or it dropped the connection.
    fn detach(&mut self) {
        self.attached = false;
        if let State::Connecting { unique, .. } = self.state {
            self.answers.push_back(wire::failed(unique, ENODEV));
        }
        self.state = State::Gone;
        self.queue.clear();
        self.fail_waiting();
        self.wake();
        self.finish_close();
    }

    // ---- common ----

    fn check_connected(&self) -> Result<(), i32> {
        let connected = !self.down && matches!(self.state, State::Connected { .. });
        if connected { Ok(()) } else { Err(ENODEV) }
    }

    /// Who waits for an event is not released (mei 2.5).
    fn fail_waiting(&mut self) {
        let readers = self.readers.drain(..).map(|reader| reader.unique);
        let writers = self.writers.drain(..).map(|writer| writer.unique);
        self.answers.extend(readers.chain(writers).map(|unique| wire::failed(unique, ENODEV)));
    }

    fn finish_close(&mut self) {
        if !self.attached
            && let Closing::Asked(unique) = self.closing
        {
            self.closing = Closing::Answered;
            self.watch = None;
            self.answers.push_back(wire::done(unique));
        }
    }

    fn wake(&mut self) {
        self.answers.extend(self.watch.map(wire::wake));
    }
}

/// The firmware's end of an open of the node. Dropping it is firmware's disconnect.
#[derive(Debug)]
pub(crate) struct NodePort {
    handle: Rc<RefCell<Handle>>,
}

impl NodePort {
    pub(super) fn new(handle: Rc<RefCell<Handle>>) -> Self {
        Self { handle }
    }

    /// The next message of the program's; none if there is none now. The buffer holds every message.
    pub(crate) fn take(&self, buffer: &mut [u8]) -> Option<Received> {
        self.handle.borrow_mut().take(buffer)
    }

    /// Sends a message if the program has given leave to. Returns whether it did.
    pub(crate) fn put(&self, packet: &Packet) -> bool {
        self.handle.borrow_mut().put(&[packet.head(), packet.body()].concat())
    }

    /// Whether the program has closed the file.
    pub(crate) fn is_closed(&self) -> bool {
        self.handle.borrow().closing != Closing::No
    }
}

impl Drop for NodePort {
    fn drop(&mut self) {
        self.handle.borrow_mut().detach();
    }
}

#[cfg(test)]
mod tests;
