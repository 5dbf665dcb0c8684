//! The class of a request, from its head and the beginning of its SOAP body.
//!
//! Hazard: a body that panics the scanner or makes it loop, or a class that depends on how the same body is framed, so that
//! a client chooses its own priority by cutting its request into chunks.

#![no_main]

use std::{
    cell::RefCell,
    fs::File,
    io::{Seek, SeekFrom, Write},
    os::fd::AsRawFd,
    path::PathBuf,
};

use amtd::{config::Config, front::explain_class};
use libfuzzer_sys::fuzz_target;

thread_local! {
    /// The recording that is explained: what `--explain-class` reads is a file.
    static RECORDING: RefCell<File> = RefCell::new(tempfile::tempfile().expect("a temporary file"));
    static CONFIG: Config = Config::default();
}

fuzz_target!(|data: &[u8]| {
    let Some((mode, rest)) = data.split_first() else { return };
    if mode & 1 == 0 {
        explain(rest);
        return;
    }
    let head = "POST /wsman HTTP/1.1\r\nHost: localhost:16992\r\nContent-Type: application/soap+xml\r\n";
    let whole = [format!("{head}Content-Length: {}\r\n\r\n", rest.len()).as_bytes(), rest].concat();
    let mut chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n").into_bytes();
    for chunk in rest.chunks(usize::from(*mode)) {
        chunked.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        chunked.extend_from_slice(chunk);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    // Beyond what is looked at, a longer head leaves less of the body to be seen; and no body at all is no body.
    if (1..8192).contains(&rest.len()) {
        assert_eq!(explain(&whole), explain(&chunked), "the class depends on the chunks");
    }
});

/// The row that names the class; `None` if the recording holds no request.
fn explain(recording: &[u8]) -> Option<String> {
    let path = RECORDING.with_borrow_mut(|file| {
        file.set_len(0).and_then(|()| file.seek(SeekFrom::Start(0))).expect("an empty recording");
        file.write_all(recording).expect("room for the recording");
        PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
    });
    let explained = CONFIG.with(|config| explain_class(&path, config)).ok()?;
    let class = explained.lines().next().expect("an explanation has lines");
    assert!(class.starts_with("class "), "{explained}");
    Some(class.to_owned())
}
