//! The node: every open of it, and the requests of the kernel passed to the right one.
//!
//! Knows nothing of firmware: who opens the node gets a [`NodePort`], and `world` does the rest.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Instant;

use super::channel::{Channel, Requests};
use super::handle::{Handle, NodePort};
use super::wire::{self, Answer, Operation, REQUEST_ROOM, Request};
use crate::faults::ENODEV;

/// Opens at a time (mei 3).
const HANDLES: usize = 255;
/// Requests taken before firmware gets its turn.
const BATCH: usize = 64;

const EMFILE: i32 = 24;
const ENOSYS: i32 = 38;

/// The node and everything open on it.
#[derive(Debug)]
pub(crate) struct Node {
    requests: Requests,
    buffer: Box<[u8]>,
    files: Files,
}

/// What a turn brought.
#[derive(Debug)]
pub(crate) struct Served {
    /// New opens.
    pub(crate) opened: Vec<NodePort>,
    /// Whether there may be more to do without an event.
    pub(crate) more: bool,
}

impl Node {
    /// Takes the channel into the runtime of the calling thread.
    pub(crate) fn new(channel: Channel) -> io::Result<Self> {
        Ok(Self {
            requests: channel.register()?,
            buffer: vec![0; REQUEST_ROOM].into(),
            files: Files::default(),
        })
    }

    /// Takes what programs ask for. `down`: the device is not ENABLED. An error is the end of the node.
    pub(crate) fn poll_serve(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        down: bool,
    ) -> io::Result<Served> {
        self.files.set_down(down);
        let mut opened = Vec::new();
        for _ in 0..BATCH {
            let length = match self.requests.poll_read(cx, &mut self.buffer) {
                Poll::Ready(length) => length?,
                Poll::Pending => return Ok(Served { opened, more: false }),
            };
            match Request::decode(&self.buffer[..length]) {
                Ok(request) => opened.extend(self.files.serve(request, now)),
                Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
            }
        }
        Ok(Served { opened, more: true })
    }

    /// Ends what has waited for too long, and sends the answers that are there.
    pub(crate) fn flush(&mut self, now: Instant) -> io::Result<()> {
        self.files.tick(now);
        while let Some(answer) = self.files.next_answer() {
            self.requests.write(&answer)?;
        }
        Ok(())
    }

    /// When [`Self::flush`] has something to do next that no request causes.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.files.handles.values().filter_map(|handle| handle.borrow().deadline()).min()
    }
}

/// Everything open, and answers that belong to no open file.
#[derive(Debug, Default)]
struct Files {
    handles: BTreeMap<u64, Rc<RefCell<Handle>>>,
    next: u64,
    down: bool,
    answers: Vec<Answer>,
}

impl Files {
    /// Passes a request on. Returns the firmware's end of a new open.
    fn serve(&mut self, request: Request<'_>, now: Instant) -> Option<NodePort> {
        let Request { unique, operation } = request;
        match operation {
            Operation::Open { flags } => return self.open(unique, flags),
            Operation::Read { handle, size, flags } => {
                self.with(unique, handle, |file| file.read(unique, size, flags));
            }
            Operation::Write { handle, data, flags } => {
                self.with(unique, handle, |file| file.write(unique, data, flags));
            }
            Operation::Ioctl { handle, command, argument } => {
                self.with(unique, handle, |file| file.ioctl(unique, command, argument, now));
            }
            Operation::Poll { handle, watch, events } => {
                self.with(unique, handle, |file| file.poll(unique, watch, events));
            }
            Operation::Release { handle } => self.with(unique, handle, |file| file.release(unique)),
            Operation::Interrupt { unique } => {
                self.handles.values().for_each(|file| file.borrow_mut().interrupt(unique));
            }
            Operation::Init { .. } | Operation::Other(_) => self.answers.push(wire::failed(unique, ENOSYS)),
        }
        None
    }

    fn open(&mut self, unique: u64, flags: u32) -> Option<NodePort> {
        let refusal = match self.down {
            true => Some(ENODEV),
            false => (self.handles.len() >= HANDLES).then_some(EMFILE),
        };
        if let Some(errno) = refusal {
            self.answers.push(wire::failed(unique, errno));
            return None;
        }
        self.next += 1;
        let handle = Rc::new(RefCell::new(Handle::new(flags)));
        self.handles.insert(self.next, Rc::clone(&handle));
        self.answers.push(wire::opened(unique, self.next));
        Some(NodePort::new(handle))
    }

    fn with(&mut self, unique: u64, handle: u64, act: impl FnOnce(&mut Handle)) {
        match self.handles.get(&handle) {
            Some(file) => act(&mut file.borrow_mut()),
            // The kernel names only what it was given.
            None => self.answers.push(wire::failed(unique, ENODEV)),
        }
    }

    fn set_down(&mut self, down: bool) {
        if self.down != down {
            self.down = down;
            self.handles.values().for_each(|file| file.borrow_mut().set_down(down));
        }
    }

    fn tick(&mut self, now: Instant) {
        self.handles.values().for_each(|file| file.borrow_mut().tick(now));
    }

    fn next_answer(&mut self) -> Option<Answer> {
        if let Some(answer) = self.answers.pop() {
            return Some(answer);
        }
        let answer = self.handles.values().find_map(|file| file.borrow_mut().next_answer());
        if answer.is_none() {
            self.handles.retain(|_, file| !file.borrow().is_over());
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::cuse::wire::tests::request;

    /// Feeds the bytes of a request to the files.
    fn serve(files: &mut Files, opcode: u32, unique: u64, body: &[u8]) -> Option<NodePort> {
        let bytes = request(opcode, unique, body);
        files.serve(Request::decode(&bytes).unwrap(), Instant::now())
    }

    fn answers(files: &mut Files) -> Vec<Answer> {
        std::iter::from_fn(|| files.next_answer()).collect()
    }

    #[test]
    fn device_that_is_down_cannot_be_opened_and_never_more_than_255_times() {
        let mut files = Files::default();
        files.set_down(true);
        assert!(serve(&mut files, 14, 1, &[0; 8]).is_none());
        assert_eq!(answers(&mut files), [wire::failed(1, ENODEV)]);
        files.set_down(false);
        let ports: Vec<_> = (0..HANDLES).map(|_| serve(&mut files, 14, 2, &[0; 8]).unwrap()).collect();
        answers(&mut files);
        assert!(serve(&mut files, 14, 3, &[0; 8]).is_none());
        assert_eq!(answers(&mut files), [wire::failed(3, EMFILE)]);
        drop(ports);
    }

    #[test]
    fn closed_file_is_forgotten_and_its_close_answered_when_firmware_has_let_go() {
        let mut files = Files::default();
        let port = serve(&mut files, 14, 1, &[0; 8]).unwrap();
        assert_eq!(answers(&mut files), [wire::opened(1, 1)]);
        serve(&mut files, 18, 2, &[&1_u64.to_le_bytes()[..], &[0; 16]].concat());
        assert_eq!(answers(&mut files), [] as [Answer; 0], "firmware still has it");
        assert!(port.is_closed());
        drop(port);
        assert_eq!(answers(&mut files), [wire::done(2)]);
        assert!(files.handles.is_empty());
    }

    #[test]
    fn file_that_firmware_dropped_stays_until_it_is_closed() {
        let mut files = Files::default();
        drop(serve(&mut files, 14, 1, &[0; 8]).unwrap());
        answers(&mut files);
        assert_eq!(files.handles.len(), 1);
        serve(&mut files, 15, 2, &[&1_u64.to_le_bytes()[..], &[0; 32]].concat());
        assert_eq!(answers(&mut files), [wire::failed(2, ENODEV)]);
        serve(&mut files, 18, 3, &[&1_u64.to_le_bytes()[..], &[0; 16]].concat());
        assert_eq!(answers(&mut files), [wire::done(3)]);
        assert!(files.handles.is_empty());
    }

    #[test]
    fn unknown_request_is_answered_and_a_silent_connect_ends() {
        let mut files = Files::default();
        serve(&mut files, 20, 5, &[0; 16]);
        assert_eq!(answers(&mut files), [wire::failed(5, ENOSYS)]);
        let port = serve(&mut files, 14, 1, &[0; 8]).unwrap();
        answers(&mut files);
        let ioctl = [&1_u64.to_le_bytes()[..], &[0; 4], &0xC010_4801_u32.to_le_bytes(), &[0; 8]].concat();
        let ioctl = [&ioctl[..], &16_u32.to_le_bytes(), &16_u32.to_le_bytes(), &[7; 16]].concat();
        serve(&mut files, 39, 6, &ioctl);
        assert_eq!(answers(&mut files), [] as [Answer; 0]);
        files.tick(Instant::now() + Duration::from_secs(6));
        assert_eq!(answers(&mut files), [wire::failed(6, 14)]);
        drop(port);
    }
}
