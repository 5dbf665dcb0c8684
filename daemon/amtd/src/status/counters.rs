//! The totals: one row for each, with its name and meaning, from which the JSON, the metrics and their help are made.

use serde::Serialize;

/// Declares a set of totals. With a `from` type, the set is copied from one with the same fields; a field that is
/// missing on either side does not compile.
macro_rules! counters {
    (
        $(#[doc = $about:literal])*
        struct $set:ident from $source:path { $($(#[doc = $doc:literal])* $name:ident,)* }
    ) => {
        counters! {
            $(#[doc = $about])*
            struct $set { $($(#[doc = $doc])* $name,)* }
        }

        impl From<&$source> for $set {
            fn from(source: &$source) -> Self {
                let $source { $($name,)* } = source;
                Self { $($name: *$name,)* }
            }
        }
    };
    (
        $(#[doc = $about:literal])*
        struct $set:ident { $($(#[doc = $doc:literal])* $name:ident,)* }
    ) => {
        $(#[doc = $about])*
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
        pub struct $set { $($(#[doc = $doc])* pub $name: u64,)* }

        impl $set {
            /// Every total with its name and meaning.
            pub fn rows(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
                [$((stringify!($name), concat!($($doc),*).trim_ascii().trim_end_matches('.'), self.$name),)*].into_iter()
            }
        }
    };
}

/// All totals.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Of the present session with firmware.
    pub apf: ApfCounters,
    /// Of the admission to channels.
    pub mux: MuxCounters,
    /// Of the device's owner.
    pub driver: DriverCounters,
    /// Of the clients.
    pub front: FrontCounters,
}

counters! {
    /// What passed in the present session, and what was ignored.
    struct ApfCounters from amtd_apf::Counters {
        /// Messages from firmware.
        messages_in,
        /// Messages to firmware.
        messages_out,
        /// Bytes of payload from firmware.
        bytes_in,
        /// Bytes of payload to firmware.
        bytes_out,
        /// Empty messages.
        empty_messages,
        /// Messages with bytes after their end.
        trailing,
        /// Messages of an unknown type.
        unknown_types,
        /// Messages that only a host sends.
        host_messages,
        /// Protocol versions above 1.0.
        newer_versions,
        /// Restarts by firmware.
        restarts,
        /// Unknown global requests.
        unknown_requests,
        /// Ports that firmware asked for and was refused.
        refused_forwards,
        /// Ports that firmware asked for again.
        repeated_forwards,
        /// Ports that firmware withdrew without having asked for them.
        unknown_cancels,
        /// Datagrams that could not be read.
        bad_datagrams,
        /// Channels that firmware asked for and was refused.
        refused_channels,
        /// Confirmations of nothing.
        stray_confirmations,
        /// Channels that firmware confirmed and nobody wanted.
        extra_closes,
        /// Refusals of nothing.
        stray_failures,
        /// Data for an unknown channel.
        stray_data,
        /// Data without payload.
        empty_data,
        /// Data beyond the window.
        excess_data,
        /// Bytes of payload for a client that was gone.
        discarded_bytes,
        /// Window adjusts for an unknown channel.
        stray_adjusts,
        /// Window adjusts by nothing.
        empty_adjusts,
        /// Window adjusts beyond what fits.
        overflowing_adjusts,
        /// Closes of an unknown channel.
        stray_closes,
        /// Closes that firmware did not answer in time.
        unanswered_closes,
        /// Openings that firmware did not answer in time.
        unanswered_opens,
        /// Keep-alive requests answered.
        keepalives,
    }
}

counters! {
    /// What was decided about requests.
    struct MuxCounters from amtd_apf::mux::MuxCounters {
        /// Requests taken in.
        requests,
        /// Requests handed to firmware.
        admitted,
        /// Requests refused without reaching firmware.
        refused,
        /// Resting connections whose channel was given up for another.
        detached,
        /// Attempts to open a channel that firmware refused.
        open_refusals,
        /// Connections given up because firmware was silent.
        silent,
    }
}

counters! {
    /// The work of the device's owner.
    struct DriverCounters {
        /// Turns of its loop.
        turns,
        /// Times the device would not take a message at once.
        blocked,
        /// Links lost after they had been up.
        lost,
        /// Alerts that firmware delivered.
        alerts,
        /// Datagrams that firmware wanted sent; none is.
        datagrams,
    }
}

counters! {
    /// The clients.
    struct FrontCounters {
        /// Connections accepted.
        accepted,
        /// Connections closed because their user had too many.
        over_limit,
        /// Times accepting failed.
        accept_errors,
        /// Requests answered by firmware.
        answered,
        /// Requests answered by the daemon because firmware could not.
        refused,
        /// Connections cut in the middle of a response.
        cut,
        /// Bytes from clients.
        from_client,
        /// Bytes to clients.
        to_client,
    }
}
