//! Strings from firmware made safe: for use as an address, or for showing to people. Nothing else in the
//! crate turns bytes into text.

use crate::limits::MAX_ADDRESS;

/// The bytes as an address or host name; `None` if they are too long, not text, or contain what does not show, such as
/// control characters and those that reorder text (`apf 10` row 22). What passes may be logged; before it is written into
/// a file it needs another check.
pub(crate) fn address(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    (text.len() <= MAX_ADDRESS && text.escape_debug().eq(text.chars())).then_some(text)
}

/// The bytes as something that can be shown: escaped, and cut to the length of an address.
pub(crate) fn printable(bytes: &[u8]) -> String {
    let shown = bytes.get(..MAX_ADDRESS).unwrap_or(bytes);
    String::from_utf8_lossy(shown).escape_debug().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_refuses_what_could_harm_a_file_or_a_log() {
        assert_eq!(address(b"amt-host.example"), Some("amt-host.example"));
        assert_eq!(address(b""), Some(""));
        assert_eq!(address(&[b'a'; 255]).map(str::len), Some(255));
        assert_eq!(address("büro.example".as_bytes()), Some("büro.example"));
        for bad in [&b"a\nb"[..], b"a\0", b"\x1b[2J", b"\xff\xfe", "a\u{85}b".as_bytes(), &[b'a'; 256]] {
            assert_eq!(address(bad), None, "{bad:?}");
        }
        for reordered in ["amt\u{202e}elpmaxe", "amt\u{2066}", "\u{feff}amt", "amt\u{2028}host"] {
            assert_eq!(address(reordered.as_bytes()), None, "{reordered:?}");
        }
    }

    #[test]
    fn printable_escapes_and_shortens() {
        assert_eq!(printable(b"pfwd\0\n"), "pfwd\\0\\n");
        assert_eq!(printable(&[b'x'; 1000]).len(), MAX_ADDRESS);
    }
}
