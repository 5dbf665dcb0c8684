//! APF messages as firmware could send them.
//!
//! Hazard: bytes that panic the decoder, that it reads beyond their end, or that it understands differently from what the
//! encoder would write for the same message, so that host and firmware disagree about what was said.

#![no_main]

use amtd_apf::wire::Message;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    match Message::decode(data) {
        Ok(decoded) => {
            let mut encoded = Vec::new();
            decoded.message.encode(&mut encoded);
            if !matches!(decoded.message, Message::Unknown(_)) {
                assert_eq!(encoded.len() + decoded.trailing, data.len(), "{decoded:?}");
            }
            let again = Message::decode(&encoded).expect("what was encoded can be decoded");
            assert_eq!((again.message, again.trailing), (decoded.message, 0));
        }
        Err(error) => {
            assert_eq!(error.length, data.len());
            assert!(error.offset <= data.len(), "{error}");
        }
    }
});
