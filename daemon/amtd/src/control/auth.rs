//! The one table that says which method needs which level, and of which kind it is.

use crate::config::Level;

/// A method of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Method {
    /// Service and name, as in the path of a call.
    pub(super) path: &'static str,
    /// What its caller must be.
    pub(super) level: Level,
    /// What it costs.
    pub(super) kind: Kind,
}

/// What a call costs, and how long it may last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// One answer, within the configured limit.
    Call,
    /// Answers for as long as the caller listens.
    Stream,
    /// About health: has places of its own, and is answered while all others are taken.
    Health,
}

use Kind::{Call, Health, Stream};
use Level::{Admin, Anyone, Operator};

/// Every method of every service.
pub(super) const TABLE: &[Method] = &[
    method("/amtd.v1.StatusService/GetStatus", Anyone, Call),
    method("/amtd.v1.StatusService/GetInfo", Anyone, Call),
    method("/amtd.v1.JobService/CreateJob", Admin, Call),
    method("/amtd.v1.JobService/GetJob", Operator, Call),
    method("/amtd.v1.JobService/ListJobs", Operator, Call),
    method("/amtd.v1.JobService/WatchJob", Operator, Stream),
    method("/amtd.v1.JobService/CancelJob", Admin, Call),
    method("/amtd.v1.EventService/WatchEvents", Operator, Stream),
    method("/amtd.v1.ChannelService/ListChannels", Operator, Call),
    method("/amtd.v1.ChannelService/CloseChannel", Admin, Call),
    method("/amtd.v1.DiagnosticsService/Diagnose", Operator, Call),
    // The same is on `http.sock` for anyone.
    method("/amtd.v1.DiagnosticsService/GetMetrics", Anyone, Call),
    method("/amtd.v1.DiagnosticsService/GetConfig", Operator, Call),
    method("/grpc.health.v1.Health/Check", Anyone, Health),
    method("/grpc.health.v1.Health/Watch", Anyone, Health),
    method("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", Anyone, Stream),
];

const fn method(path: &'static str, level: Level, kind: Kind) -> Method {
    Method { path, level, kind }
}

/// The row of a path.
pub(super) fn lookup(path: &str) -> Option<&'static Method> {
    TABLE.iter().find(|method| method.path == path)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prost::Message;
    use prost_types::FileDescriptorSet;

    use super::*;

    /// The paths of all methods in a set of descriptors.
    fn paths(descriptors: &[u8]) -> BTreeSet<String> {
        let files = FileDescriptorSet::decode(descriptors).unwrap().file;
        let services = files.iter().flat_map(|file| {
            file.service.iter().map(|service| (format!("{}.{}", file.package(), service.name()), service))
        });
        services
            .flat_map(|(name, service)| {
                service.method.iter().map(move |method| format!("/{name}/{}", method.name()))
            })
            .collect()
    }

    #[test]
    fn no_method_is_without_a_level_and_no_level_without_a_method() {
        let descriptors = [
            amtd_proto::FILE_DESCRIPTOR_SET,
            tonic_health::pb::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
        ];
        let served: BTreeSet<_> = descriptors.into_iter().flat_map(paths).collect();
        let table: BTreeSet<_> = TABLE.iter().map(|method| method.path.to_owned()).collect();
        // Health can also list all entries in its newest version; each has to be looked at here.
        assert_eq!(table, served);
        assert_eq!(table.len(), TABLE.len(), "a method is there twice");
    }

    #[test]
    fn what_changes_the_device_or_hurts_others_is_for_admins() {
        for path in ["/amtd.v1.JobService/CreateJob", "/amtd.v1.ChannelService/CloseChannel"] {
            assert_eq!(lookup(path).unwrap().level, Admin);
        }
        assert_eq!(lookup("/amtd.v1.JobService/Nonsense"), None);
    }
}
