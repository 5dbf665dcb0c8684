//! Asking a person: a secret without echo, or a yes.
//!
//! The controlling terminal is asked, not standard input, which may be a pipe with something else in it.

use std::{
    fs::{File, OpenOptions},
    io::{self, IsTerminal, Read, Write},
};

use nix::sys::termios::{LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use super::{LONGEST_PASSWORD, SecretError};

/// The terminal of the user.
#[derive(Debug)]
pub(crate) struct Terminal {
    file: File,
}

impl Terminal {
    /// The controlling terminal, if there is one and somebody sees what is said: a program whose messages go to a file
    /// is not sitting in front of anybody.
    pub(crate) fn open() -> Option<Self> {
        if !io::stderr().is_terminal() {
            return None;
        }
        OpenOptions::new().read(true).write(true).open("/dev/tty").ok().map(Self::new)
    }

    pub(super) fn new(file: File) -> Self {
        Self { file }
    }

    /// Asks for a secret. Nothing of it is shown.
    pub(crate) fn ask_secret(&mut self, question: &str) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        let silence = Silence::begin(&self.file).map_err(SecretError::Terminal)?;
        (&self.file).write_all(question.as_bytes()).map_err(SecretError::Terminal)?;
        let answer = read_keys(&self.file);
        // The end of the line was not shown either.
        let _ = (&self.file).write_all(b"\n");
        drop(silence);
        answer
    }

    /// Asks a question that is to be answered with yes or no; no answer is a no.
    pub(crate) fn confirm(&mut self, question: &str) -> Result<bool, SecretError> {
        (&self.file).write_all(format!("{question} [y/N] ").as_bytes()).map_err(SecretError::Terminal)?;
        let mut line = Vec::new();
        let mut byte = [0];
        while line.len() < 16 && (&self.file).read(&mut byte).map_err(SecretError::Terminal)? == 1 {
            if byte[0] == b'\n' {
                break;
            }
            line.push(byte[0]);
        }
        let answer = String::from_utf8_lossy(&line).trim().to_ascii_lowercase();
        Ok(matches!(answer.as_str(), "y" | "yes"))
    }
}

/// No echo, no lines and no signals from the terminal while it lives. Without signals: Ctrl-C would end the process with
/// the echo off, and the user's shell would be left without one.
struct Silence<'a> {
    file: &'a File,
    before: Termios,
}

impl<'a> Silence<'a> {
    fn begin(file: &'a File) -> io::Result<Self> {
        let before = tcgetattr(file)?;
        let mut silent = before.clone();
        silent.local_flags.remove(LocalFlags::ECHO | LocalFlags::ICANON | LocalFlags::ISIG);
        silent.control_chars[SpecialCharacterIndices::VMIN as usize] = 1;
        silent.control_chars[SpecialCharacterIndices::VTIME as usize] = 0;
        // What was typed before the question is no answer to it.
        tcsetattr(file, SetArg::TCSAFLUSH, &silent)?;
        Ok(Self { file, before })
    }
}

impl Drop for Silence<'_> {
    fn drop(&mut self) {
        // There is no other way to put it right.
        let _ = tcsetattr(self.file, SetArg::TCSAFLUSH, &self.before);
    }
}

/// Reads keys up to the end of the line, with the editing that people expect.
fn read_keys(mut input: impl Read) -> Result<Zeroizing<Vec<u8>>, SecretError> {
    const INTERRUPT: u8 = 3;
    const END: u8 = 4;
    const BACKSPACE: [u8; 2] = [8, 127];
    const KILL: u8 = 21;
    let mut line = Zeroizing::new(Vec::with_capacity(LONGEST_PASSWORD));
    let mut key = [0];
    loop {
        if input.read(&mut key).map_err(SecretError::Terminal)? == 0 {
            return Ok(line);
        }
        match key[0] {
            b'\r' | b'\n' | END => return Ok(line),
            INTERRUPT => return Err(SecretError::Interrupted),
            KILL => line.clear(),
            byte if BACKSPACE.contains(&byte) => erase(&mut line),
            byte if line.len() < LONGEST_PASSWORD => line.push(byte),
            _ => {}
        }
    }
}

/// Takes away the last character, which may be several bytes.
fn erase(line: &mut Vec<u8>) {
    while line.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
}

#[cfg(test)]
mod tests {
    use std::thread;

    use nix::pty::openpty;

    use super::*;

    fn typed(keys: &[u8]) -> Result<Vec<u8>, SecretError> {
        read_keys(keys).map(|line| line.to_vec())
    }

    #[test]
    fn editing_keys_do_not_become_part_of_the_secret() {
        assert_eq!(typed(b"abX\x7fc\r").unwrap(), b"abc");
        assert_eq!(typed(b"wrong\x15right\n").unwrap(), b"right");
        assert_eq!(typed("aé\x7fb\n".as_bytes()).unwrap(), b"ab");
        assert_eq!(typed(b"\x7f\x7fa\n").unwrap(), b"a");
    }

    #[test]
    fn ctrl_c_at_the_prompt_is_not_an_empty_secret() {
        assert!(matches!(typed(b"abc\x03"), Err(SecretError::Interrupted)));
    }

    #[test]
    fn a_flood_of_keys_is_bounded() {
        assert_eq!(typed(&[b'a'; LONGEST_PASSWORD * 2]).unwrap().len(), LONGEST_PASSWORD);
    }

    #[test]
    fn the_secret_is_not_echoed_and_the_terminal_is_as_before() {
        let pty = openpty(None, None).unwrap();
        let mut person = File::from(pty.master);
        let slave = File::from(pty.slave);
        let before = tcgetattr(&slave).unwrap();
        let mut terminal = Terminal::new(slave.try_clone().unwrap());
        let asked = thread::spawn(move || terminal.ask_secret("Password: ").unwrap().to_vec());
        // The question shows that the terminal is silent by now.
        let mut seen = vec![0; "Password: ".len()];
        person.read_exact(&mut seen).unwrap();
        person.write_all(b"c4n4ry\r").unwrap();
        assert_eq!(asked.join().unwrap(), b"c4n4ry");
        let mut rest = [0; 64];
        let length = person.read(&mut rest).unwrap();
        assert_eq!(&rest[..length], b"\r\n");
        assert_eq!(tcgetattr(&slave).unwrap().local_flags, before.local_flags);
    }

    #[test]
    fn only_a_yes_is_a_yes() {
        for (answer, expected) in [("y\n", true), ("YES\n", true), ("\n", false), ("yo\n", false)] {
            let pty = openpty(None, None).unwrap();
            let mut person = File::from(pty.master);
            person.write_all(answer.as_bytes()).unwrap();
            assert_eq!(
                Terminal::new(File::from(pty.slave)).confirm("Sure?").unwrap(),
                expected,
                "{answer:?}"
            );
        }
    }
}
