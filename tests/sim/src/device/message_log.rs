//! The event log of the device: fixed 21-byte records, newest first, a bounded number of them.
//!
//! Layout of a record: wsman 15. Filled by `device` at start and on events; read by the class `AMT_MessageLog`.

use std::collections::VecDeque;

/// Most records that the log keeps; an older one is dropped for a new one (wsman 15 gives it as the most that one call reads).
pub const MAX_RECORDS: usize = 390;

/// One event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventRecord {
    /// Seconds since 1970.
    pub time: u32,
    /// Sensor type, for example 15 = system firmware.
    pub sensor_type: u8,
    /// Event offset within the sensor type.
    pub offset: u8,
    /// Severity: 1 monitor, 2 information, 4 OK, 8 non-critical, 16 critical, 32 non-recoverable.
    pub severity: u8,
    /// Entity, for example 34 = BIOS, 38 = management engine.
    pub entity: u8,
    /// Free data of the event.
    pub data: [u8; 8],
}

impl EventRecord {
    /// The 21 bytes of the record.
    #[must_use]
    pub fn encode(&self) -> [u8; 21] {
        let mut out = [0; 21];
        out[..4].copy_from_slice(&self.time.to_le_bytes());
        // Device address "not specified"; event type 0x6F = sensor-specific; source type 0x68.
        out[4..13].copy_from_slice(&[
            0xFF,
            self.sensor_type,
            0x6F,
            self.offset,
            0x68,
            self.severity,
            0xFF,
            self.entity,
            0,
        ]);
        out[13..].copy_from_slice(&self.data);
        out
    }
}

/// The log.
#[derive(Debug, Default)]
pub struct MessageLog {
    records: VecDeque<EventRecord>,
    frozen: bool,
}

impl MessageLog {
    /// Adds an event, unless the log is frozen; the oldest record gives way when the log is full.
    pub fn push(&mut self, record: EventRecord) {
        if self.frozen {
            return;
        }
        self.records.truncate(MAX_RECORDS - 1);
        self.records.push_front(record);
    }

    /// Removes every record. Returns false, and changes nothing, if the log is frozen.
    pub fn clear(&mut self) -> bool {
        if !self.frozen {
            self.records.clear();
        }
        !self.frozen
    }

    /// Freezes the log or thaws it.
    pub fn freeze(&mut self, frozen: bool) {
        self.frozen = frozen;
    }

    /// Whether the log takes no records at present.
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        self.frozen
    }

    /// Number of records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there is no record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The records, newest first.
    pub fn iter(&self) -> impl Iterator<Item = &EventRecord> {
        self.records.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(time: u32) -> EventRecord {
        EventRecord {
            time,
            sensor_type: 15,
            offset: 2,
            severity: 2,
            entity: 34,
            data: [0x40, 7, 0, 0, 0, 0, 0, 0],
        }
    }

    #[test]
    fn record_is_laid_out_as_clients_decode_it() {
        let bytes = record(0x6501_0622).encode();
        assert_eq!(bytes[..4], [0x22, 0x06, 0x01, 0x65]);
        assert_eq!(bytes[4..13], [0xFF, 15, 0x6F, 2, 0x68, 2, 0xFF, 34, 0]);
        assert_eq!(bytes[13..], [0x40, 7, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn full_log_drops_the_oldest_and_frozen_log_takes_nothing() {
        let mut log = MessageLog::default();
        (0..400).for_each(|time| log.push(record(time)));
        assert_eq!(log.len(), MAX_RECORDS);
        assert_eq!(log.iter().next().map(|record| record.time), Some(399));
        log.freeze(true);
        log.push(record(1000));
        assert_eq!(log.iter().next().map(|record| record.time), Some(399));
        assert!(!log.clear());
        log.freeze(false);
        assert!(log.clear() && log.is_empty());
    }
}
